/** What a line of the program can be: an object of JSON, of which nothing is sure. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object; undefined for a list, null and everything else. */
export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** An own field, so that no line reaches a prototype. */
export function fieldOf(object: JsonObject | undefined, name: string): unknown {
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The field as an object; undefined where it is none. */
export function objectField(object: JsonObject | undefined, name: string): JsonObject | undefined {
  return objectOf(fieldOf(object, name));
}

/** The field as a string; empty where it is none. */
export function textField(object: JsonObject | undefined, name: string): string {
  const value = fieldOf(object, name);
  return typeof value === 'string' ? value : '';
}

/** The field as a list; empty where it is none. */
export function listField(object: JsonObject | undefined, name: string): readonly unknown[] {
  const value = fieldOf(object, name);
  return Array.isArray(value) ? value : [];
}

/** The field as a finite number; undefined where it is none. */
export function numberField(object: JsonObject | undefined, name: string): number | undefined {
  const value = fieldOf(object, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The line as an object of JSON; undefined: it is something else. */
export function parseLine(line: string): JsonObject | undefined {
  try {
    return objectOf(JSON.parse(line));
  } catch {
    return undefined;
  }
}
