import { Type, type TSchema } from 'typebox';
import { stated } from '../../documented.ts';

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

/** The page of a list. Texts, since a query holds nothing else; `list-query.ts` reads them. */
export const pageQuery = {
  limit: optionalText(
    'How many at most; moved into its range.',
    stated({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  ),
  offset: optionalText(
    'How many of the newest to leave out.',
    stated({ type: 'integer', minimum: 0, default: 0 }),
  ),
};
