import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * Deletes up to `limit` idempotency keys that have stood for a day, oldest first, and returns how many.
 * Rows that a request has locked are left for the next time.
 */
export async function deleteOldIdempotencyKeys(database: Database, limit: number): Promise<number> {
  const done = await sql`
    with old as (
      select owner_id, route, key from idempotency_keys
      where created_at < now() - interval '24 hours'
      order by created_at limit ${limit} for update skip locked
    )
    delete from idempotency_keys kept using old
    where kept.owner_id = old.owner_id and kept.route = old.route and kept.key = old.key`.execute(
    database.kysely,
  );
  return Number(done.numAffectedRows ?? 0n);
}

/** Deletes up to `limit` rate limits that have had all their room back for an hour; returns how many. */
export async function deleteFullRateLimits(database: Database, limit: number): Promise<number> {
  const done = await sql`
    delete from rate_limits where key in (
      select key from rate_limits where full_at < now() - interval '1 hour' limit ${limit} for update skip locked
    )`.execute(database.kysely);
  return Number(done.numAffectedRows ?? 0n);
}

/**
 * Which of these runs may still have a process that looks into their folder: those that wait, live, or
 * ended within the last minute (who ends a run reads its files and tidies up a moment later). An id that is
 * not in the answer is over for good, or was never a run of this database.
 */
export async function findUnsettledRuns(
  database: Database,
  runIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await database.kysely
    .selectFrom('runs')
    .select('id')
    .where('id', 'in', [...runIds])
    .where((where) =>
      where.or([
        where('ended_at', 'is', null),
        where('ended_at', '>', sql<Date>`now() - interval '1 minute'`),
      ]),
    )
    .execute();
  return new Set(rows.map((row) => row.id));
}
