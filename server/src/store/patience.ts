import { delay } from '../lib/abort.ts';
import { isDatabaseAway } from './database.ts';

const retryMs = 300;

/**
 * Does a piece of store work again and again for as long as the database is away: the agent goes on
 * meanwhile, and its output waits in the spool. Every piece is a compare-and-set, so one whose answer got
 * lost finds itself done. Rejects with the signal's reason, or with any other error.
 */
export async function withPatience<Result>(
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      await delay(retryMs, signal);
    }
  }
}
