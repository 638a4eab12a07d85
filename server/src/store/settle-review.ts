import type { Transaction } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import { appendEvents } from './append-events.ts';
import { letCallbackGo } from './callbacks.ts';
import type { Database } from './database.ts';
import { endEffect, expireEffect, type ExpiredEffect } from './effects.ts';
import { falseWhenMoved } from './move-run.ts';
import type { Tables } from './tables.ts';

/** What became of a review that was to be posted; kept as the effect's outcome. */
export type ReviewSettlement =
  | { readonly kind: 'posted'; readonly url: string; readonly comments: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** Leased, or given up. */
type ReviewEffect = ExpiredEffect<'review'>;

/** Records it, and lets the callback go that waited for it. The task's state stays. False: the lease is lost. */
export async function settleReview(
  database: Database,
  effect: ReviewEffect,
  settlement: ReviewSettlement,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      // The row before the effect's, as everywhere.
      await tx.selectFrom('tasks').select('id').where('id', '=', effect.taskId).forUpdate().execute();
      const state = settlement.kind === 'posted' ? 'done' : 'failed';
      await endEffect(tx, effect, { state, outcome: settlement });
      await tell(tx, effect, settlement);
      return true;
    })
    .catch(falseWhenMoved);
}

async function tell(
  tx: Transaction<Tables>,
  { taskId, runId, payload }: ReviewEffect,
  settlement: ReviewSettlement,
): Promise<void> {
  await appendEvents(tx, taskId, runId, [settlementEvent(payload.number, settlement)]);
  if (!payload.endsTask || runId === null) return;
  const run = await tx
    .selectFrom('runs')
    .select('iteration')
    .where('id', '=', runId)
    .executeTakeFirstOrThrow();
  await letCallbackGo(tx, taskId, run.iteration);
}

function settlementEvent(number: number, settlement: ReviewSettlement): NewEvent {
  if (settlement.kind === 'failed') {
    return { type: 'review_post_failed', data: { number, reason: settlement.reason } };
  }
  const { url, comments } = settlement;
  return { type: 'review_posted', data: { number, url, comments } };
}

const givenUp = {
  kind: 'failed',
  reason: "the review could not be posted in time; see the server's log for the reason, then post it again",
} as const satisfies ReviewSettlement;

/** Gives up one post whose deadline has passed, and returns its task; undefined: there is none. */
export async function expireReview(database: Database): Promise<string | undefined> {
  return database.transaction(async (tx) => {
    const effect = await expireEffect(tx, 'review', givenUp);
    if (effect === undefined) return undefined;
    await tell(tx, effect, givenUp);
    return effect.taskId;
  });
}
