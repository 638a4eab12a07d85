import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { liveRunStates } from '../domain/run-state.ts';
import type { TaskState } from '../domain/task-state.ts';
import { appendEvents } from './append-events.ts';
import { dropApprovals } from './approvals.ts';
import type { Database } from './database.ts';
import { giveUpReview } from './end-review.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';
import { tellOfEnd } from './tell-of-end.ts';

export type CancelAnswer =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly state: TaskState }
  /** The worker that holds the run has been asked, and has until the deadline. */
  | { readonly kind: 'asked' }
  /** Nothing was running: it is over. */
  | { readonly kind: 'cancelled' };

/**
 * The check and the change are one transaction under the task's row lock. A live run gets a deadline, by
 * which the sweeper ends it if its worker does not; runs that wait are taken back at once.
 */
export async function cancelTask(
  database: Database,
  taskId: string,
  cancellable: readonly TaskState[],
): Promise<CancelAnswer> {
  return database.transaction(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .select(['state', 'cancel_requested_at'])
      .where('id', '=', taskId)
      .forUpdate()
      .executeTakeFirst();
    if (task === undefined) return { kind: 'unknown' };
    if (!cancellable.includes(task.state)) return { kind: 'refused', state: task.state };
    const isReview = task.state === 'reviewing';
    // Instructions that wait are not what is cancelled with a review.
    await (isReview ? cancelQueuedReview(tx, taskId) : cancelQueuedRuns(tx, taskId));
    const live = await tx
      .updateTable('runs')
      .set({
        deadline_at: sql`least(deadline_at, now() + make_interval(secs => ${deadlineSeconds.cancelling}))`,
      })
      .where('task_id', '=', taskId)
      .where('state', 'in', [...liveRunStates])
      .executeTakeFirst();
    if (live.numUpdatedRows === 0n) {
      if (isReview) {
        const events = [{ type: 'review_canceled' as const, data: {} }];
        await giveUpReview(tx, taskId, { runId: null, durationMs: 0, events });
      } else await endCancelled(tx, taskId);
      return { kind: 'cancelled' };
    }
    if (task.cancel_requested_at !== null) return { kind: 'asked' };
    // Nobody is to allow anything any more.
    await dropApprovals(tx, taskId);
    await tx
      .updateTable('tasks')
      .set({ cancel_requested_at: sql`now()`, deadline_at: secondsFromNow(deadlineSeconds.cancellingTask) })
      .where('id', '=', taskId)
      .execute();
    await appendEvents(tx, taskId, null, [{ type: 'cancel_requested', data: {} }]);
    return { kind: 'asked' };
  });
}

/**
 * Takes back the runs of a task that wait for a worker, in a transaction that holds the task's row. Nobody goes on
 * in the tree of one that was parked: its workspace is for others again, as the last work left it.
 */
export async function cancelQueuedRuns(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await takingBack(tx, taskId).execute();
  await tx
    .updateTable('workspaces')
    .set({ parked_task_id: null, worker_id: null, snapshot_commit: null, snapshot_blob_id: null })
    .where('parked_task_id', '=', taskId)
    .execute();
}

/** Takes back the review of finished work that waits for a worker, in a transaction that holds the task's row. */
export async function cancelQueuedReview(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await takingBack(tx, taskId).where('aside', '=', true).execute();
}

function takingBack(tx: Transaction<Tables>, taskId: string) {
  return tx
    .updateTable('runs')
    .set({ state: 'cancelled', ended_at: sql`now()`, deadline_at: null })
    .where('task_id', '=', taskId)
    .where('state', '=', 'queued');
}

/** The task's side of a cancellation, in a transaction that holds its row. */
export async function endCancelled(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({
      state: 'cancelled',
      cancel_requested_at: sql`coalesce(cancel_requested_at, now())`,
      finished_at: sql`now()`,
      deadline_at: null,
    })
    .where('id', '=', taskId)
    .execute();
  await dropApprovals(tx, taskId);
  await appendEvents(tx, taskId, null, [{ type: 'task_cancelled', data: {} }]);
  await tellOfEnd(tx, taskId);
}
