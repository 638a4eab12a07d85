import { sql } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { CallbackPayload, EffectState } from '../domain/effect-state.ts';
import type { CallbackAttempt } from './callbacks.ts';
import type { Database } from './database.ts';
import { secondsFromNow } from './move-run.ts';
import type { Viewer } from './tasks.ts';

/** A callback as people see it. */
export type Delivery = {
  readonly id: string;
  readonly taskId: string;
  readonly event: CallbackPayload['event'];
  readonly url: string;
  readonly state: EffectState;
  /** Attempts since it was asked for, or asked for again. */
  readonly tried: number;
  readonly last: CallbackAttempt | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  /** When it is due, while it waits. */
  readonly availableAt: Date;
};

/** One of them, whole. The log has the newest 20 attempts, oldest first. */
export type DeliveryRecord = Delivery & {
  readonly payload: CallbackPayload;
  readonly log: readonly CallbackAttempt[];
};

/** Of which task, and in which states; undefined: of any, in any. */
export type DeliveryFilter = {
  readonly taskId?: string;
  readonly states?: readonly EffectState[];
};

/** A page, newest first. */
export async function listDeliveries(
  database: Database,
  viewer: Viewer,
  page: DeliveryFilter & { readonly limit: number; readonly offset: number },
): Promise<readonly Delivery[]> {
  return deliveriesOf(database, viewer, page)
    .select(columns)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
}

/** How many there are on all pages. */
export async function countDeliveries(
  database: Database,
  viewer: Viewer,
  filter: DeliveryFilter,
): Promise<number> {
  const row = await deliveriesOf(database, viewer, filter)
    .select((all) => all.fn.countAll<number>().as('total'))
    .executeTakeFirst();
  return row?.total ?? 0;
}

/** One delivery; undefined where there is none, or it is none of the viewer's business. */
export async function findDelivery(
  database: Database,
  viewer: Viewer,
  id: string,
): Promise<DeliveryRecord | undefined> {
  return deliveriesOf(database, viewer, {})
    .select(columns)
    .select([
      // A payload is what its kind says.
      sql<CallbackPayload>`payload`.as('payload'),
      sql<readonly CallbackAttempt[]>`coalesce(outcome->'log', '[]')`.as('log'),
    ])
    .where('id', '=', id)
    .executeTakeFirst();
}

/**
 * What has ended waits again, with the same id and payload and all its attempts; the log stays. False: it has
 * not ended.
 */
export async function reviveDelivery(database: Database, id: string): Promise<boolean> {
  const revived = await database.kysely
    .updateTable('effects')
    .set({
      state: 'waiting',
      attempts: 0,
      outcome: sql`coalesce(outcome, '{}') || '{"tried":0}'`,
      available_at: sql`now()`,
      deadline_at: secondsFromNow(deadlineSeconds.callback),
      ended_at: null,
    })
    .where('id', '=', id)
    .where('kind', '=', 'callback')
    .where('state', 'in', ['done', 'failed'])
    .executeTakeFirst();
  return revived.numUpdatedRows === 1n;
}

const columns = [
  'id',
  sql<string>`task_id`.as('taskId'),
  sql<CallbackPayload['event']>`payload->>'event'`.as('event'),
  sql<string>`payload->>'url'`.as('url'),
  'state',
  sql<number>`coalesce((outcome->>'tried')::int, 0)`.as('tried'),
  sql<CallbackAttempt | null>`outcome->'log'->-1`.as('last'),
  'created_at as createdAt',
  'ended_at as endedAt',
  'available_at as availableAt',
] as const;

function deliveriesOf(database: Database, viewer: Viewer, { taskId, states }: DeliveryFilter) {
  let all = database.kysely.selectFrom('effects').where('kind', '=', 'callback');
  if (!viewer.isAdmin) all = all.where('owner_id', '=', viewer.userId);
  if (taskId !== undefined) all = all.where('task_id', '=', taskId);
  if (states !== undefined) all = all.where('state', 'in', [...states]);
  return all;
}
