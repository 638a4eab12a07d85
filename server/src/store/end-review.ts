import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { ReviewResult, ReviewSource } from '../domain/review.ts';
import { appendEvents, jsonText, storableText } from './append-events.ts';
import type { Database } from './database.ts';
import type { FinishingRun } from './finish-run.ts';
import { goOnWithInstructions } from './go-on.ts';
import { endRun, falseWhenMoved, heldRun, rollBack, secondsFromNow, holderOf } from './move-run.ts';
import { tryAgain, type Retry } from './next-attempt.ts';
import type { Tables } from './tables.ts';
import { tellOfEnd } from './tell-of-end.ts';

/** What a run that reviews came to. */
export type Reviewed = {
  readonly result: ReviewResult;
  /** What was reviewed. */
  readonly commit: string;
  /** How it was read from the agent's answer. */
  readonly from: ReviewSource;
};

/** How a run left a tree that it was to read only. */
export type ReadOnly = {
  /** What it had changed there, and what was thrown away; undefined: nothing. */
  readonly restored: { readonly files: readonly string[]; readonly more: number } | undefined;
};

export type FinishedReview = Reviewed & {
  readonly readOnly: ReadOnly;
  /** The agent's own words. */
  readonly answer: string;
  readonly agentVersion: string | undefined;
  readonly durationMs: number;
};

/**
 * collecting → succeeded of a review of finished work, and the task back to `completed` with what it found.
 * False: the claim is lost, or somebody wants the review cancelled.
 */
export async function finishReview(
  database: Database,
  run: FinishingRun,
  review: FinishedReview,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const isLeft = await leaveReview(tx, run.taskId, {
        durationMs: review.durationMs,
        reviewRunId: run.runId,
      });
      if (!isLeft) return rollBack();
      const moved = await heldRun(tx, run, 'collecting')
        .set({
          state: 'succeeded',
          commit: review.commit,
          result: storableText(review.answer),
          review: jsonText(review.result),
          ...(review.agentVersion === undefined ? {} : { agent_version: storableText(review.agentVersion) }),
          ended_at: sql`now()`,
          deadline_at: null,
        })
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      if (review.readOnly.restored === undefined) await leaveTree(tx, run, review.commit);
      await appendEvents(tx, run.taskId, run.runId, [
        ...readOnlyEvents(review.readOnly),
        ...reviewEvents(review),
        { type: 'review_completed', data: outlineOf(review.result) },
      ]);
      await tellOfEnd(tx, run.taskId, { reviewRunId: run.runId });
      await goOnWithInstructions(tx, run.taskId);
      return true;
    })
    .catch(falseWhenMoved);
}

/** The tree is as it was for whoever comes next, if it was what they want: others may have worked there since. */
async function leaveTree(tx: Transaction<Tables>, run: FinishingRun, commit: string): Promise<void> {
  await tx
    .updateTable('workspaces')
    .set({ worker_id: holderOf(run), used_at: sql`now()` })
    .where('id', '=', run.workspaceId)
    .where(sql<boolean>`coalesce(head_commit, base_commit) = ${commit}`)
    .execute();
}

/** What the log says of a review, however it was asked for. */
export function reviewEvents({ result, from }: Reviewed): readonly NewEvent[] {
  return [{ type: 'review_parsed', data: { ...outlineOf(result), from } }];
}

/** That nothing changed where nothing should is no news. */
export function readOnlyEvents({ restored }: ReadOnly): readonly NewEvent[] {
  return restored === undefined ? [] : [{ type: 'workspace_restored', data: restored }];
}

function outlineOf({ verdict, score, issues }: ReviewResult) {
  return { verdict, score, issues: issues.length };
}

/**
 * reviewing → completed, in the transaction that ends the review: finished work stays finished, whatever became
 * of its review. With `reviewRunId` the review is the task's from now on. False: the task is not being reviewed,
 * or, where the review is there, somebody wants it cancelled.
 */
async function leaveReview(
  tx: Transaction<Tables>,
  taskId: string,
  { durationMs, reviewRunId }: { readonly durationMs: number; readonly reviewRunId?: string },
): Promise<boolean> {
  let task = tx
    .updateTable('tasks')
    .set({
      state: 'completed',
      cancel_requested_at: null,
      duration_ms: sql`duration_ms + ${durationMs}`,
      finished_at: sql`now()`,
      deadline_at: null,
      ...(reviewRunId === undefined ? {} : { review_run_id: reviewRunId }),
    })
    .where('id', '=', taskId)
    .where('state', '=', 'reviewing');
  if (reviewRunId !== undefined) task = task.where('cancel_requested_at', 'is', null);
  return (await task.executeTakeFirst()).numUpdatedRows === 1n;
}

/** As `leaveReview` without a review, with what is told of it; the instructions that waited are next. */
export async function giveUpReview(
  tx: Transaction<Tables>,
  taskId: string,
  { runId, durationMs, events }: GivenUp,
): Promise<boolean> {
  if (!(await leaveReview(tx, taskId, { durationMs }))) return false;
  await appendEvents(tx, taskId, runId, events);
  await goOnWithInstructions(tx, taskId);
  return true;
}

export type GivenUp = {
  readonly runId: string | null;
  readonly durationMs: number;
  readonly events: readonly NewEvent[];
};

/**
 * A review that failed. With `retry` its next attempt is queued in the same transaction; without, the task is
 * `completed` again, and `events` tell why. False: the claim is lost, or somebody wants the review cancelled.
 */
export async function failReview(
  database: Database,
  run: FinishingRun,
  failure: Failure,
  { retry, events, durationMs }: { retry?: Retry; events: readonly NewEvent[]; durationMs: number },
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      if (!(await isUnderReview(tx, run.taskId))) return rollBack();
      await endRun(tx, run, { state: 'failed', failure });
      if (retry === undefined) {
        return giveUpReview(tx, run.taskId, { runId: run.runId, durationMs, events });
      }
      await appendEvents(tx, run.taskId, run.runId, [await tryAgain(tx, run, failure, retry)]);
      return true;
    })
    .catch(falseWhenMoved);
}

/** Locks the task's row and gives it time for the next attempt. */
async function isUnderReview(tx: Transaction<Tables>, taskId: string): Promise<boolean> {
  const task = await tx
    .updateTable('tasks')
    .set({ deadline_at: secondsFromNow(deadlineSeconds.pending) })
    .where('id', '=', taskId)
    .where('state', '=', 'reviewing')
    .where('cancel_requested_at', 'is', null)
    .executeTakeFirst();
  return task.numUpdatedRows === 1n;
}

/** A live review that somebody asked to cancel: the work stays finished. False: the claim is lost, or nobody asked. */
export async function cancelReview(
  database: Database,
  run: FinishingRun,
  durationMs: number,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const wanted = await tx
        .selectFrom('tasks')
        .select('id')
        .where('id', '=', run.taskId)
        .where('cancel_requested_at', 'is not', null)
        .forUpdate()
        .executeTakeFirst();
      if (wanted === undefined) return rollBack();
      await endRun(tx, run, { state: 'cancelled' });
      const events = [{ type: 'review_canceled' as const, data: {} }];
      return (await giveUpReview(tx, run.taskId, { runId: run.runId, durationMs, events })) || rollBack();
    })
    .catch(falseWhenMoved);
}
