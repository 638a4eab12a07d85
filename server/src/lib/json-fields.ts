/** An object of JSON of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object; undefined for a list, null and everything else. */
export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** An own field, so that no line reaches a prototype. */
export function fieldOf(value: unknown, name: string): unknown {
  const object = objectOf(value);
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The field as an object; undefined where it is none. */
export function objectField(value: unknown, name: string): JsonObject | undefined {
  return objectOf(fieldOf(value, name));
}

/** The field as a string; empty where it is none. */
export function textField(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  return typeof field === 'string' ? field : '';
}

/** The field as a list; empty where it is none. */
export function listField(value: unknown, name: string): readonly unknown[] {
  const field = fieldOf(value, name);
  return Array.isArray(field) ? field : [];
}

/** The field as a finite number; undefined where it is none. */
export function numberField(value: unknown, name: string): number | undefined {
  const field = fieldOf(value, name);
  return typeof field === 'number' && Number.isFinite(field) ? field : undefined;
}

/** The line as an object of JSON; undefined: it is something else. */
export function parseLine(line: string): JsonObject | undefined {
  try {
    return objectOf(JSON.parse(line));
  } catch {
    return undefined;
  }
}
