import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { TaskState } from '../domain/task-state.ts';
import { appendEvents } from './append-events.ts';
import type { Database } from './database.ts';
import { findKeptRequest, keepRequest, type KeptRequest } from './kept-requests.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

export type NewInstruction = {
  readonly taskId: string;
  readonly runId: string;
  readonly prompt: string;
  readonly idempotency: KeptRequest | null;
};

export type InstructAnswer =
  | { readonly kind: 'unknown' }
  /** `cancelling`: somebody has asked for the end of what the task is doing. */
  | { readonly kind: 'refused'; readonly state: TaskState; readonly cancelling: boolean }
  /** The idempotency key stands for something else. */
  | { readonly kind: 'mismatch' }
  /** `added` false: it is the answer of the first request with this key. */
  | { readonly kind: 'instructed'; readonly iteration: number; readonly added: boolean };

/** The states in which a task takes another instruction. */
const instructable: readonly TaskState[] = ['completed', 'awaiting_instruction', 'pr_created'];

/** The event keeps so many characters of a prompt; the run keeps all. */
const eventCharacters = 32_768;

/**
 * Queues a follow-up as the task's next iteration. Check and change are one transaction under the task's row
 * lock, so two at once become two iterations, in order. The run names no session: its worker sees which one
 * the workspace has by then.
 */
export async function instructTask(database: Database, instruction: NewInstruction): Promise<InstructAnswer> {
  return database.transaction(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .select(['state', 'iteration', 'cancel_requested_at'])
      .where('id', '=', instruction.taskId)
      .forUpdate()
      .executeTakeFirst();
    if (task === undefined) return { kind: 'unknown' };
    const kept = await findKeptRequest(tx, instruction.taskId, instruction.idempotency);
    if (kept === 'other') return { kind: 'mismatch' };
    if (kept !== undefined) return { kind: 'instructed', iteration: kept.iteration, added: false };
    if (!instructable.includes(task.state) || task.cancel_requested_at !== null) {
      return { kind: 'refused', state: task.state, cancelling: task.cancel_requested_at !== null };
    }
    const iteration = task.iteration + 1;
    if (!(await keepRequest(tx, instruction.taskId, instruction.idempotency, iteration))) {
      return { kind: 'mismatch' };
    }
    await tx
      .updateTable('tasks')
      .set({
        state: 'awaiting_instruction',
        iteration,
        current_prompt: instruction.prompt,
        failure: null,
        finished_at: null,
        deadline_at: secondsFromNow(deadlineSeconds.pending),
      })
      .where('id', '=', instruction.taskId)
      .execute();
    await insertFollowUp(tx, instruction, iteration);
    const prompt = instruction.prompt.slice(0, eventCharacters).toWellFormed();
    await appendEvents(tx, instruction.taskId, null, [
      { type: 'instruction_added', data: { iteration, prompt } },
    ]);
    return { kind: 'instructed', iteration, added: true };
  });
}

/** With the priority and the requirements of the task's first run. */
async function insertFollowUp(
  tx: Transaction<Tables>,
  { taskId, runId, prompt }: NewInstruction,
  iteration: number,
): Promise<void> {
  await sql`
    insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, cause, prompt,
      queue, priority, requires, state, deadline_at, time_left_ms, agent)
    select ${runId}::uuid, tasks.id, tasks.owner_id, tasks.repository_id, tasks.workspace_id, tasks.kind,
      ${iteration}::integer, 1, 'follow_up', ${prompt}::text, 'follow_ups', earlier.priority, earlier.requires, 'queued',
      now() + make_interval(secs => ${deadlineSeconds.pending}),
      (tasks.options ->> 'timeoutSeconds')::bigint * 1000, tasks.options ->> 'agent'
    from tasks, lateral (
      select priority, requires from runs where runs.task_id = tasks.id order by number limit 1
    ) earlier
    where tasks.id = ${taskId}`.execute(tx);
}
