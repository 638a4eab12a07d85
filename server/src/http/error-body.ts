import { STATUS_CODES } from 'node:http';
import { Type, type Static, type TSchema } from 'typebox';
import type { Problem } from './problem.ts';

/** How refusals look on a surface. */
export type ErrorForm = {
  readonly bodyOf: (problem: Pick<Problem, 'status' | 'message' | 'fields'>) => object;
  readonly schema: TSchema;
  /** What its errors say, by status, where that is not what the native ones say: for examples. */
  readonly messages: Readonly<Record<number, string>>;
};

/** The error body of the native API, and of paths that belong to no surface. */
export const errorSchema = Type.Object(
  {
    error: Type.String({
      description: "The status's text, but `unauthorized` with 401 and `rate_limit_exceeded` with 429.",
    }),
    message: Type.String({ description: 'What is wrong, for people.' }),
    fields: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'What is wrong with which field; one in a list by its way there: `tools[0].name`.',
      }),
    ),
  },
  { title: 'ErrorBody', description: 'A refusal.' },
);
export type ErrorBody = Static<typeof errorSchema>;

/** Two statuses have a word of their own, all others their standard text. */
const words: Readonly<Record<number, string>> = { 401: 'unauthorized', 429: 'rate_limit_exceeded' };

export function errorBody(problem: Pick<Problem, 'status' | 'message' | 'fields'>): ErrorBody {
  return {
    error: words[problem.status] ?? STATUS_CODES[problem.status] ?? 'Error',
    message: problem.message,
    ...(problem.fields === undefined ? {} : { fields: problem.fields }),
  };
}

export const nativeErrors: ErrorForm = { bodyOf: errorBody, schema: errorSchema, messages: {} };
