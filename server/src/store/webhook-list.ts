import { sql } from 'kysely';
import type { PullRequestNews, WebhookSource, WebhookState } from '../domain/webhook.ts';
import type { Database } from './database.ts';

/** A webhook as people see it. */
export type WebhookDelivery = {
  readonly id: string;
  readonly source: WebhookSource;
  readonly deliveryId: string;
  readonly event: string;
  readonly action: string | null;
  readonly state: WebhookState;
  readonly reason: string | null;
  readonly taskId: string | null;
  /** What it says; null where nothing is needed of it. */
  readonly news: PullRequestNews | null;
  readonly bodySha256: string;
  readonly bodyBytes: number;
  readonly round: number;
  readonly attempts: number;
  readonly availableAt: Date;
  readonly createdAt: Date;
  readonly settledAt: Date | null;
};

/** Undefined: any; none of the lists is empty. */
export type WebhookFilter = {
  readonly sources?: readonly WebhookSource[] | undefined;
  readonly states?: readonly WebhookState[] | undefined;
};

/** A page, newest first. */
export async function listWebhooks(
  database: Database,
  page: WebhookFilter & { readonly limit: number; readonly offset: number },
): Promise<readonly WebhookDelivery[]> {
  return deliveriesOf(database, page)
    .select(columns)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
}

/** How many there are on all pages. */
export async function countWebhooks(database: Database, filter: WebhookFilter): Promise<number> {
  const row = await deliveriesOf(database, filter)
    .select((all) => all.fn.countAll<number>().as('total'))
    .executeTakeFirst();
  return row?.total ?? 0;
}

export async function findWebhook(database: Database, id: string): Promise<WebhookDelivery | undefined> {
  return deliveriesOf(database, {}).select(columns).where('id', '=', id).executeTakeFirst();
}

/** What has been settled waits again, for a round in which nothing stands for it. False: it waits, or says nothing. */
export async function reviveWebhook(database: Database, id: string): Promise<boolean> {
  const now = sql<Date>`now()`;
  const revived = await database.kysely
    .updateTable('deliveries')
    .set({
      state: 'waiting',
      reason: null,
      task_id: null,
      round: sql`round + 1`,
      attempts: 0,
      taken_at: now,
      available_at: now,
      settled_at: null,
    })
    .where('id', '=', id)
    .where('state', '<>', 'waiting')
    .where('payload', 'is not', null)
    .executeTakeFirst();
  return revived.numUpdatedRows === 1n;
}

/**
 * Deletes up to `limit` old deliveries and returns how many: those that led to nothing after 30 days, those that
 * were taken up after a year, since a later one about the same commit is known by them.
 */
export async function deleteOldWebhooks(database: Database, limit: number): Promise<number> {
  const done = await sql`
    delete from deliveries where id in (
      select id from deliveries
      where created_at < now() - interval '30 days' and state <> 'waiting'
        and (state <> 'created' or taken_at < now() - interval '365 days')
      order by created_at limit ${limit} for update skip locked
    )`.execute(database.kysely);
  return Number(done.numAffectedRows ?? 0n);
}

const columns = [
  'id',
  'source',
  'delivery_id as deliveryId',
  'event',
  'action',
  'state',
  'reason',
  'task_id as taskId',
  'payload as news',
  'body_sha256 as bodySha256',
  'body_bytes as bodyBytes',
  'round',
  'attempts',
  'available_at as availableAt',
  'created_at as createdAt',
  'settled_at as settledAt',
] as const;

function deliveriesOf(database: Database, { sources, states }: WebhookFilter) {
  let all = database.kysely.selectFrom('deliveries');
  if (sources !== undefined) all = all.where('source', 'in', [...sources]);
  if (states !== undefined) all = all.where('state', 'in', [...states]);
  return all;
}
