import type { TaskListQuery } from '../../../services/list-tasks.ts';
import { invalidFields } from './field-errors.ts';
import { statesOf } from './projection.ts';

const limits = { default: 50, min: 1, max: 200 } as const;

/** A part of a list. */
export type Page = { readonly limit: number; readonly offset: number };

/**
 * Reads the query of a list: numbers outside their range are moved into it, an empty field is absent, a
 * status that this window does not have matches nothing.
 *
 * @throws Refusal `invalid` where a number is none.
 */
export function parseListQuery(query: {
  readonly status?: string;
  readonly limit?: string;
  readonly offset?: string;
}): TaskListQuery {
  return { states: query.status ? statesOf(query.status) : undefined, ...parsePage(query) };
}

/** What a query says of the page alone, in the same way. */
export function parsePage(query: { readonly limit?: string; readonly offset?: string }): Page {
  const limit = wholeNumber('limit', query.limit) ?? limits.default;
  return {
    limit: Math.min(Math.max(limit, limits.min), limits.max),
    offset: Math.min(Math.max(wholeNumber('offset', query.offset) ?? 0, 0), Number.MAX_SAFE_INTEGER),
  };
}

/** A number of a query; undefined where it is left out or empty. Refuses what is none, by its name. */
export function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^[+-]?\d+$/u.test(text)) throw invalidFields({ [name]: 'must be an integer' });
  return Number(text);
}
