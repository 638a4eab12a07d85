import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { liveRunStates } from '../domain/run-state.ts';
import type { TaskState } from '../domain/task-state.ts';
import { appendEvents } from './append-events.ts';
import type { Database } from './database.ts';
import { findKeptRequest, keepRequest, type KeptRequest } from './kept-requests.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

export type NewReview = {
  readonly taskId: string;
  readonly runId: string;
  readonly agent: string;
  /** Null: the task's own where the agent is the task's, else the agent's. */
  readonly model: string | null;
  readonly timeoutSeconds: number;
  readonly idempotency: KeptRequest | null;
};

export type ReviewAnswer =
  | { readonly kind: 'unknown' }
  /** `cancelling`: somebody has asked for the end of what the task is doing. */
  | { readonly kind: 'refused'; readonly state: TaskState; readonly cancelling: boolean }
  /** The idempotency key stands for something else. */
  | { readonly kind: 'mismatch' }
  /** `added` false: it is the answer of the first request with this key. */
  | { readonly kind: 'reviewing'; readonly added: boolean };

/** The states in which there is finished work to look at. */
const reviewable: readonly TaskState[] = ['completed', 'awaiting_instruction'];

/**
 * Queues a review of the task's finished work, and moves the task to `reviewing`. Check and change are one
 * transaction under the task's row lock: of two at once, one is refused. Instructions that wait go on waiting
 * until the review has ended.
 */
export async function reviewTask(database: Database, review: NewReview): Promise<ReviewAnswer> {
  return database.transaction(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .select(['state', 'cancel_requested_at'])
      .where('id', '=', review.taskId)
      .forUpdate()
      .executeTakeFirst();
    if (task === undefined) return { kind: 'unknown' };
    const kept = await findKeptRequest(tx, review.taskId, review.idempotency);
    if (kept === 'other') return { kind: 'mismatch' };
    if (kept !== undefined) return { kind: 'reviewing', added: false };
    const cancelling = task.cancel_requested_at !== null;
    if (!reviewable.includes(task.state) || cancelling) {
      return { kind: 'refused', state: task.state, cancelling };
    }
    const iteration = await finishedIteration(tx, review.taskId);
    // What waits by its state has been begun.
    if (iteration === undefined) return { kind: 'refused', state: 'running', cancelling };
    if (!(await keepRequest(tx, review.taskId, review.idempotency, iteration))) return { kind: 'mismatch' };
    await tx
      .updateTable('tasks')
      .set({
        state: 'reviewing',
        finished_at: null,
        deadline_at: secondsFromNow(deadlineSeconds.pending),
      })
      .where('id', '=', review.taskId)
      .execute();
    await insertReviewRun(tx, review, iteration);
    await appendEvents(tx, review.taskId, null, [
      { type: 'review_requested', data: { agent: review.agent } },
    ]);
    return { kind: 'reviewing', added: true };
  });
}

/**
 * The last iteration that succeeded; undefined where the tree is not what one left: none has, or the next was
 * begun, by a worker that prepares it or by an agent that was put away while it waited for a person.
 */
async function finishedIteration(tx: Transaction<Tables>, taskId: string): Promise<number | undefined> {
  const begun = await tx
    .selectFrom('runs')
    .select(['iteration', 'state'])
    .where('task_id', '=', taskId)
    .where('aside', '=', false)
    .where('state', 'in', ['succeeded', 'parked', ...liveRunStates])
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return begun?.state === 'succeeded' ? begun.iteration : undefined;
}

/**
 * A task that reviews is reviewed by doing the same again. Attempts are counted from where this review begins:
 * the same work can be reviewed again and again.
 */
async function insertReviewRun(
  tx: Transaction<Tables>,
  { taskId, runId, agent, model, timeoutSeconds }: NewReview,
  iteration: number,
): Promise<void> {
  await sql`
    with kind as (
      select case when kind in ('review', 'pr_review') then kind else 'review' end as kind from tasks where id = ${taskId}
    ), earlier as (
      select coalesce(max(attempt), 0) + 1 as attempt from runs, kind
      where runs.task_id = ${taskId} and runs.iteration = ${iteration} and runs.kind = kind.kind
    )
    insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, first_attempt,
      cause, aside, prompt, queue, priority, requires, state, deadline_at, time_left_ms, agent, model)
    select ${runId}::uuid, tasks.id, tasks.owner_id, tasks.repository_id, tasks.workspace_id, kind.kind,
      ${iteration}::integer, earlier.attempt, earlier.attempt, 'review', true, reviewed.prompt, 'reviews',
      reviewed.priority, reviewed.requires, 'queued', now() + make_interval(secs => ${deadlineSeconds.pending}),
      ${timeoutSeconds * 1_000}::bigint, ${agent}::text, ${model}::text
    from tasks, kind, earlier, lateral (
      select prompt, priority, requires from runs
      where runs.task_id = tasks.id and runs.iteration = ${iteration} and not runs.aside
      order by number limit 1
    ) reviewed
    where tasks.id = ${taskId}`.execute(tx);
}
