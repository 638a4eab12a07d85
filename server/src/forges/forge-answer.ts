import { fieldOf, numberField, objectOf, type JsonObject } from '../lib/json-fields.ts';

/** An answer whose body is not what the forge's description says. `field` is what is missing or another thing. */
export class BrokenAnswer extends Error {
  constructor(field: string) {
    super(`${field} is missing or is something else`);
    this.name = 'BrokenAnswer';
  }
}

/** The body as an object; throws `BrokenAnswer`. */
export function needObject(value: unknown, name = 'the object'): JsonObject {
  const object = objectOf(value);
  if (object === undefined) throw new BrokenAnswer(name);
  return object;
}

/** The body as a list; throws `BrokenAnswer`. */
export function needList(value: unknown, name = 'the list'): readonly unknown[] {
  if (!Array.isArray(value)) throw new BrokenAnswer(name);
  return value;
}

/** A field that must be a string with something in it; throws `BrokenAnswer`. */
export function needText(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  if (typeof field !== 'string' || field === '') throw new BrokenAnswer(name);
  return field;
}

/** A field that must be a whole number above 0; throws `BrokenAnswer`. */
export function needNumber(value: unknown, name: string): number {
  const field = numberField(value, name);
  if (field === undefined || !Number.isSafeInteger(field) || field < 1) throw new BrokenAnswer(name);
  return field;
}

/** A field that must be true or false; throws `BrokenAnswer`. */
export function needFlag(value: unknown, name: string): boolean {
  const field = fieldOf(value, name);
  if (typeof field !== 'boolean') throw new BrokenAnswer(name);
  return field;
}
