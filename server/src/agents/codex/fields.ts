/** A JSON object of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** The line as a JSON object; undefined when it is not one. */
export function parseLine(line: string): Fields | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return asFields(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The value as an object; undefined for lists, null and the rest. */
export function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The first of the fields that is an object: the two forms of the program spell one name differently. */
export function objectIn(fields: Fields | undefined, ...names: readonly string[]): Fields | undefined {
  for (const name of names) {
    const value = asFields(fields?.[name]);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The first of the fields that is a string. */
export function textIn(fields: Fields | undefined, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields?.[name];
    if (typeof value === 'string') return value;
  }
  return undefined;
}

/** The first of the fields that is a finite number. */
export function numberIn(fields: Fields | undefined, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = fields?.[name];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return undefined;
}

/** The field as a list; empty when it is none. */
export function listIn(fields: Fields | undefined, name: string): readonly unknown[] {
  const value = fields?.[name];
  return Array.isArray(value) ? value : [];
}
