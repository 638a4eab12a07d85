import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import type { RunQueue } from '../domain/run-state.ts';
import type { Database } from './database.ts';

/** Who fills a queue up to a limit does it one after the other, whatever the server. */
const roomLock = 7_302_116;

/**
 * Whether fewer than `limit` runs wait in the queue. What the transaction inserts then is within the limit: the
 * lock is a statement of its own, so that the count is of what is there under it, and lasts until the commit.
 * Claims take no part: they only make room.
 */
export async function hasRoom(client: PoolClient, queue: RunQueue, limit: number): Promise<boolean> {
  await client.query('select pg_advisory_xact_lock($1)', [roomLock]);
  const { rows } = await client.query<Waiting>({ ...countWaiting, values: [queue, limit] });
  return (rows[0]?.waiting ?? 0) < limit;
}

/**
 * Whether so many runs waited a moment ago: who comes to a full queue is told so without standing in line for the
 * lock. No answer for who finds room.
 */
export async function wasFull(database: Database, queue: RunQueue, limit: number): Promise<boolean> {
  const rows = await database.statement<Waiting>(countWaiting, [queue, limit]);
  return (rows[0]?.waiting ?? 0) >= limit;
}

type Waiting = { readonly waiting: number };

const countWaiting = {
  name: 'count-waiting',
  text: `select count(*)::integer as waiting
    from (select from runs where state = 'queued' and queue = $1 limit $2) counted`,
};

export type QueueSizes = Readonly<Record<RunQueue, number>>;

/** How many runs wait in each queue. */
export async function readQueueSizes(database: Database): Promise<QueueSizes> {
  const rows = await database.kysely
    .selectFrom('runs')
    .select(['queue', sql<number>`count(*)`.as('waiting')])
    .where('state', '=', 'queued')
    .groupBy('queue')
    .execute();
  return {
    tasks: 0,
    reviews: 0,
    follow_ups: 0,
    ...Object.fromEntries(rows.map((row) => [row.queue, row.waiting])),
  };
}
