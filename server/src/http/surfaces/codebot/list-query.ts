import { Refusal } from '../../../domain/errors.ts';
import type { TaskState } from '../../../domain/task-state.ts';
import { statesOfFour } from '../../task-overview.ts';
import { fourStatuses } from '../../task-overview-schemas.ts';
import { wrongLimit, wrongStatus } from './codebot-errors.ts';
import { listLimit } from './schemas.ts';

/**
 * Reads the query of the list; what is not there has its default, what is empty is wrong.
 *
 * @throws Refusal `invalid`
 */
export function parseListQuery(query: { readonly status?: string; readonly limit?: string }): {
  readonly states: readonly TaskState[] | undefined;
  readonly limit: number;
} {
  return { states: parseStatus(query.status), limit: parseLimit(query.limit) };
}

function parseStatus(text: string | undefined): readonly TaskState[] | undefined {
  if (text === undefined) return undefined;
  const status = fourStatuses.find((word) => word === text);
  if (status === undefined) throw new Refusal('invalid', wrongStatus);
  return statesOfFour(status);
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return listLimit.default;
  const limit = /^\d{1,9}$/u.test(text) ? Number(text) : 0;
  if (limit < listLimit.min || limit > listLimit.max) throw new Refusal('invalid', wrongLimit);
  return limit;
}
