import { Type, type TSchema } from 'typebox';

/** A schema or null: a field that is always there, and sometimes empty. */
export function nullable<Schema extends TSchema>(schema: Schema, description: string) {
  return Type.Union([schema, Type.Null()], { description });
}

/** A text that may be left out. */
export function optionalText(description: string, options: Readonly<Record<string, unknown>> = {}) {
  return Type.Optional(Type.String({ description, ...options }));
}

/** A moment: RFC 3339 in UTC, with milliseconds. */
export function moment(description: string) {
  return Type.String({ description, format: 'date-time' });
}

/** One of these words; to the types of TypeScript it is any text. */
export function word(description: string, words: readonly string[]) {
  return Type.String({ description, enum: [...words] });
}
