import { Refusal } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import { spendRateLimit } from '../store/rate-limits.ts';

/**
 * Takes one of the minute's tasks from whoever the key stands for; `perMinute` 0: there is no limit.
 *
 * @throws Refusal `rate_limited`
 */
export async function spendTask(database: Database, perMinute: number, key: string): Promise<void> {
  if (perMinute === 0) return;
  const wait = await spendRateLimit(database, `tasks ${key}`, perMinute);
  if (wait === undefined) return;
  throw new Refusal('rate_limited', `at most ${perMinute} tasks a minute; try again in ${wait} s`, {
    retryAfterSeconds: wait,
  });
}
