import { backoffMs, type Backoff } from '../lib/backoff.ts';
import type { Failure } from './failure.ts';

/** After so many attempts of one iteration the task fails, whatever ended them. */
export const maxAttempts = 3;

/** Between attempts of a run: 2 s, then 8 s. */
export const runBackoff: Backoff = { firstMs: 2_000, factor: 4, maxMs: 60_000 };

/** Between tries of an effect: from 1 s up to 5 min, until its deadline. */
export const effectBackoff: Backoff = { firstMs: 1_000, factor: 3, maxMs: 300_000 };

/** How long until attempt + 1 of a failed run, in milliseconds; undefined: it is final. */
export function nextAttemptInMs(failure: Failure, attempt: number, random: number): number | undefined {
  if (!failure.retryable || attempt >= maxAttempts) return undefined;
  return backoffMs(runBackoff, attempt, random);
}
