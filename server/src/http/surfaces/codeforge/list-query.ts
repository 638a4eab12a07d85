import type { TaskListQuery } from '../../../services/list-tasks.ts';
import { invalidFields } from './field-errors.ts';
import { statesOf } from './projection.ts';

const limits = { default: 50, min: 1, max: 200 } as const;

/**
 * Reads the query of the list: numbers outside their range are moved into it, an empty field is absent, a
 * status that this window does not have matches nothing.
 *
 * @throws Refusal `invalid` where a number is none.
 */
export function parseListQuery(query: {
  readonly status?: string;
  readonly limit?: string;
  readonly offset?: string;
}): TaskListQuery {
  const limit = wholeNumber('limit', query.limit) ?? limits.default;
  return {
    states: query.status ? statesOf(query.status) : undefined,
    limit: Math.min(Math.max(limit, limits.min), limits.max),
    offset: Math.min(Math.max(wholeNumber('offset', query.offset) ?? 0, 0), Number.MAX_SAFE_INTEGER),
  };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^[+-]?\d+$/u.test(text)) throw invalidFields({ [name]: 'must be an integer' });
  return Number(text);
}
