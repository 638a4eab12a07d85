import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { TaskState } from '../domain/task-state.ts';
import { appendEvents, jsonText } from './append-events.ts';
import { dropApprovals } from './approvals.ts';
import { cancelQueuedRuns } from './cancel-task.ts';
import type { Database } from './database.ts';
import { sessionColumns, stopWaiting, type FinishingRun } from './finish-run.ts';
import { endRun, falseWhenMoved, rollBack, secondsFromNow } from './move-run.ts';
import { tryAgain, type Retry } from './next-attempt.ts';
import type { Tables } from './tables.ts';
import { tellOfEnd } from './tell-of-end.ts';

export type FailureDetails = {
  readonly retry?: Retry;
  /** The workspace's conversation is of no use: the next run begins a new one. */
  readonly forgetSession?: boolean;
  readonly events?: readonly NewEvent[];
  readonly durationMs: number;
};

/** What a worker may be ending: nothing before the claim, nothing after the end. */
const workingStates = [
  'cloning',
  'running',
  'waiting_for_user',
  'awaiting_instruction',
] as const satisfies readonly TaskState[];

/**
 * A live run that failed, with its reason. With `retry` the next attempt is queued in the same
 * transaction and the task's state stays; without, the task fails too. False: the claim is lost, or somebody
 * asked for the task's cancellation, which is then what it ends with.
 */
export async function failRun(
  database: Database,
  run: FinishingRun,
  failure: Failure,
  details: FailureDetails,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      await moveFailedTask(tx, run.taskId, failure, details);
      await endRun(tx, run, { state: 'failed', failure });
      if (details.forgetSession === true) {
        await tx
          .updateTable('workspaces')
          .set(sessionColumns(run.taskId, undefined))
          .where('id', '=', run.workspaceId)
          .execute();
      }
      await dropApprovals(tx, run.taskId);
      const events = [...(details.events ?? [])];
      if (details.retry === undefined) events.push({ type: 'task_failed', data: { failure } });
      else events.push(await tryAgain(tx, run, failure, details.retry));
      await appendEvents(tx, run.taskId, run.runId, events);
      if (details.retry === undefined) await tellOfEnd(tx, run.taskId);
      return true;
    })
    .catch(falseWhenMoved);
}

async function moveFailedTask(
  tx: Transaction<Tables>,
  taskId: string,
  failure: Failure,
  details: FailureDetails,
): Promise<void> {
  const task = tx
    .updateTable('tasks')
    .where('id', '=', taskId)
    .where('state', 'in', workingStates)
    .where('cancel_requested_at', 'is', null);
  const moved = await (
    details.retry === undefined
      ? task.set({
          state: 'failed',
          failure: jsonText(failure),
          duration_ms: sql`duration_ms + ${details.durationMs}`,
          finished_at: sql`now()`,
          deadline_at: null,
        })
      : task.set({ deadline_at: secondsFromNow(deadlineSeconds.pending) })
  ).executeTakeFirst();
  if (moved.numUpdatedRows !== 1n) rollBack();
  if (details.retry !== undefined) {
    await stopWaiting(tx, taskId);
    return;
  }
  await cancelQueuedRuns(tx, taskId);
}

/** A live run whose task somebody asked to cancel: both end. False: the claim is lost, or nobody asked. */
export async function cancelLiveRun(
  database: Database,
  run: FinishingRun,
  durationMs: number,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const task = await tx
        .updateTable('tasks')
        .set({
          state: 'cancelled',
          duration_ms: sql`duration_ms + ${durationMs}`,
          finished_at: sql`now()`,
          deadline_at: null,
        })
        .where('id', '=', run.taskId)
        .where('state', 'in', workingStates)
        .where('cancel_requested_at', 'is not', null)
        .executeTakeFirst();
      if (task.numUpdatedRows !== 1n) return rollBack();
      await endRun(tx, run, { state: 'cancelled' });
      await dropApprovals(tx, run.taskId);
      await appendEvents(tx, run.taskId, run.runId, [{ type: 'task_cancelled', data: {} }]);
      await tellOfEnd(tx, run.taskId);
      return true;
    })
    .catch(falseWhenMoved);
}
