import { fieldOf, numberField, objectField, type JsonObject } from '../../lib/json-fields.ts';

/** The first of the fields that is an object: the two forms of the program spell one name differently. */
export function objectIn(value: unknown, ...names: readonly string[]): JsonObject | undefined {
  return firstOf(names, (name) => objectField(value, name));
}

/** The first of the fields that is a string. */
export function textIn(value: unknown, ...names: readonly string[]): string | undefined {
  return firstOf(names, (name) => {
    const field = fieldOf(value, name);
    return typeof field === 'string' ? field : undefined;
  });
}

/** The first of the fields that is a finite number. */
export function numberIn(value: unknown, ...names: readonly string[]): number | undefined {
  return firstOf(names, (name) => numberField(value, name));
}

function firstOf<Value>(
  names: readonly string[],
  read: (name: string) => Value | undefined,
): Value | undefined {
  for (const name of names) {
    const found = read(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
