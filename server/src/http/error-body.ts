import { STATUS_CODES } from 'node:http';
import type { Problem } from './problem.ts';

/** The error body of the native API, and of paths that belong to no surface. */
export type ErrorBody = {
  readonly error: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, string>>;
};

/** Two statuses have a word of their own, all others their standard text. */
const words: Readonly<Record<number, string>> = { 401: 'unauthorized', 429: 'rate_limit_exceeded' };

export function errorBody(problem: Pick<Problem, 'status' | 'message' | 'fields'>): ErrorBody {
  return {
    error: words[problem.status] ?? STATUS_CODES[problem.status] ?? 'Error',
    message: problem.message,
    ...(problem.fields === undefined ? {} : { fields: problem.fields }),
  };
}
