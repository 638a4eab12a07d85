import { sql, type Transaction } from 'kysely';
import { subjectOf, type PullRequestNews, type WebhookSource, type WebhookState } from '../domain/webhook.ts';
import { jsonText } from './append-events.ts';
import type { Database } from './database.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

/** A webhook whose sender is known, as it is to be kept. */
export type NewDelivery = {
  readonly id: string;
  readonly ownerId: string;
  readonly source: WebhookSource;
  /** The sender's. */
  readonly deliveryId: string;
  readonly event: string;
  readonly action: string | null;
  readonly bodySha256: string;
  readonly bodyBytes: number;
  readonly news: PullRequestNews | null;
  /** `waiting`, unless nothing is to be done whatever else is known. */
  readonly state: 'waiting' | 'skipped' | 'ignored';
  readonly reason: string | null;
};

/** What became of it: `waiting` for the one that has to make a review of it, and for nobody else. */
export type KeptDelivery = {
  readonly state: WebhookState;
  readonly reason: string | null;
  /** The task of the delivery that stands for this one. */
  readonly taskId: string | null;
} & Pick<WaitingDelivery, 'id' | 'round'>;

/** A delivery of which a review is to be made. */
export type WaitingDelivery = {
  readonly id: string;
  readonly round: number;
  readonly attempts: number;
  readonly ownerId: string;
  readonly source: WebhookSource;
  readonly news: PullRequestNews;
};

/** What the request that brought it has to deal with it, before others do. */
const ownSeconds = 5;
/** First of two numbers of an advisory lock; the second is drawn from the subject. */
const subjectLocks = 7_302_116;

/**
 * Keeps a webhook and says what is to become of it. Webhooks about one pull request are judged one after the other,
 * so that of two at the same moment one is new. One that is sent again under its id changes nothing where it led to
 * something; one that did not is judged anew, since what it lacked may be there now.
 */
export async function keepDelivery(
  database: Database,
  delivery: NewDelivery,
  dedupSeconds: number,
): Promise<KeptDelivery> {
  const { source, deliveryId, news } = delivery;
  const subject = news === null ? null : subjectOf(source, news);
  return database.transaction(async (tx) => {
    await sql`select pg_advisory_xact_lock(${subjectLocks}, hashtext(${subject ?? deliveryId}))`.execute(tx);
    const judged = await judge(tx, { delivery, subject, dedupSeconds });
    const values = rowOf(delivery, subject, judged);
    const kept = await tx
      .insertInto('deliveries')
      .values({ id: delivery.id, ...values })
      .onConflict((conflict) =>
        conflict
          .columns(['source', 'delivery_id'])
          .doUpdateSet({ ...values, round: sql`deliveries.round + 1`, attempts: 0 })
          .where('deliveries.state', 'in', ['skipped', 'ignored', 'refused']),
      )
      .returning(['id', 'round'])
      .executeTakeFirst();
    if (kept !== undefined) return { ...kept, ...judged };
    const known = await tx
      .selectFrom('deliveries')
      .select(['id', 'round', 'task_id as taskId'])
      .where('source', '=', source)
      .where('delivery_id', '=', deliveryId)
      .executeTakeFirstOrThrow();
    return { ...known, state: 'deduplicated', reason: sentAgain };
  });
}

const sentAgain = 'this delivery came before';
const sameCommit = 'this commit of the pull request was taken up before';
const olderCommit = 'a newer commit of the pull request was taken up before';

type Judged = Pick<KeptDelivery, 'state' | 'reason' | 'taskId'>;

/** What deliveries that were taken up make of this one. */
async function judge(
  tx: Transaction<Tables>,
  asked: {
    readonly delivery: NewDelivery;
    readonly subject: string | null;
    readonly dedupSeconds: number;
  },
): Promise<Judged> {
  const { delivery, subject, dedupSeconds } = asked;
  const { state, reason, news } = delivery;
  if (state !== 'waiting' || news === null) return { state, reason, taskId: null };
  const taken = tx
    .selectFrom('deliveries')
    .select('task_id as taskId')
    .where('subject', '=', subject)
    .where('state', 'in', ['waiting', 'created'])
    .orderBy('taken_at', 'desc')
    .limit(1);
  const isWithoutCommits =
    delivery.source === 'gitlab' && delivery.action === 'update' && !news.bringsCommits;
  const sameHead = taken.where('head_commit', '=', news.headCommit);
  const same = await (
    isWithoutCommits ? sameHead : sameHead.where('taken_at', '>', secondsFromNow(-dedupSeconds))
  ).executeTakeFirst();
  if (same !== undefined) return { state: 'deduplicated', reason: sameCommit, taskId: same.taskId };
  const newer =
    news.updatedAt === null
      ? undefined
      : await taken
          .where('head_commit', '<>', news.headCommit)
          .where(sql<string>`payload ->> 'updatedAt'`, '>', news.updatedAt)
          .executeTakeFirst();
  return newer === undefined
    ? { state, reason, taskId: null }
    : { state: 'skipped', reason: olderCommit, taskId: newer.taskId };
}

function rowOf(delivery: NewDelivery, subject: string | null, { state, reason, taskId }: Judged) {
  const { news } = delivery;
  return {
    owner_id: delivery.ownerId,
    source: delivery.source,
    delivery_id: delivery.deliveryId,
    event: delivery.event,
    action: delivery.action,
    subject,
    head_commit: news?.headCommit ?? null,
    payload: news === null ? null : jsonText(news),
    body_sha256: delivery.bodySha256,
    body_bytes: delivery.bodyBytes,
    state,
    reason,
    task_id: taskId,
    taken_at: sql<Date>`now()`,
    available_at: secondsFromNow(ownSeconds),
    settled_at: state === 'waiting' ? null : sql<Date>`now()`,
  };
}

/**
 * Takes the delivery that has waited longest past its time, and puts off its next turn, twice as long with each try:
 * whoever fails or dies leaves it to the next. Undefined: none is due.
 */
export async function takeWaitingDelivery(
  database: Database,
  again: { readonly firstSeconds: number; readonly maxSeconds: number },
): Promise<WaitingDelivery | undefined> {
  const { firstSeconds, maxSeconds } = again;
  return database.kysely
    .updateTable('deliveries')
    .set({
      attempts: sql`attempts + 1`,
      available_at: sql`now() + make_interval(secs => least(${maxSeconds}, ${firstSeconds} * 2 ^ least(attempts, 20)))`,
    })
    .where('id', '=', (due) =>
      due
        .selectFrom('deliveries')
        .select('id')
        .where('state', '=', 'waiting')
        .where('available_at', '<=', sql<Date>`now()`)
        .orderBy('available_at')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returning([
      'id',
      'round',
      'attempts',
      'owner_id as ownerId',
      'source',
      // What waits has content.
      sql<PullRequestNews>`payload`.as('news'),
    ])
    .executeTakeFirst();
}

/** Records what came of a round. False: somebody else has recorded it, or a new round has begun. */
export async function settleDelivery(
  database: Database,
  { id, round }: Pick<WaitingDelivery, 'id' | 'round'>,
  settled: { readonly taskId: string } | { readonly refused: string },
): Promise<boolean> {
  const done = await database.kysely
    .updateTable('deliveries')
    .set({
      ...('taskId' in settled
        ? { state: 'created', task_id: settled.taskId, reason: null }
        : { state: 'refused', reason: settled.refused }),
      settled_at: sql`now()`,
    })
    .where('id', '=', id)
    .where('round', '=', round)
    .where('state', '=', 'waiting')
    .executeTakeFirst();
  return done.numUpdatedRows === 1n;
}
