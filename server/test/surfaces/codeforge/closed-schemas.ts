/** Every object has the fields that it names and no others, where it does not say so itself. */
export function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== 'object' || value === null) return value;
  const closed = Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, close(entry)]));
  const isObjectSchema = closed['type'] === 'object' && typeof closed['properties'] === 'object';
  return isObjectSchema && closed['additionalProperties'] === undefined
    ? { ...closed, additionalProperties: false }
    : closed;
}
