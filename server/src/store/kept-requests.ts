import type { Transaction } from 'kysely';
import type { Tables } from './tables.ts';

/** A request about a task under an idempotency key. The key belongs to who asks, who need not be the task's owner. */
export type KeptRequest = {
  readonly ownerId: string;
  readonly route: string;
  readonly key: string;
  readonly bodyHash: string;
};

/**
 * What the key stands for, in a transaction that holds the task's row: the iteration that its first request was
 * about; `other`: another request, or another task; undefined: nothing yet.
 */
export async function findKeptRequest(
  tx: Transaction<Tables>,
  taskId: string,
  request: KeptRequest | null,
): Promise<{ readonly iteration: number } | 'other' | undefined> {
  if (request === null) return undefined;
  const kept = await tx
    .selectFrom('idempotency_keys')
    .select(['task_id', 'body_hash', 'iteration'])
    .where('owner_id', '=', request.ownerId)
    .where('route', '=', request.route)
    .where('key', '=', request.key)
    .executeTakeFirst();
  if (kept === undefined) return undefined;
  const same = kept.task_id === taskId && kept.body_hash === request.bodyHash;
  return same && kept.iteration !== null ? { iteration: kept.iteration } : 'other';
}

/** False: somebody took the key meanwhile, and for another task, since this one's row is locked. */
export async function keepRequest(
  tx: Transaction<Tables>,
  taskId: string,
  request: KeptRequest | null,
  iteration: number,
): Promise<boolean> {
  if (request === null) return true;
  const { ownerId, route, key, bodyHash } = request;
  const row = await tx
    .insertInto('idempotency_keys')
    .values({ owner_id: ownerId, route, key, body_hash: bodyHash, task_id: taskId, iteration })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return row.numInsertedOrUpdatedRows === 1n;
}
