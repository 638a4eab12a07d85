import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { TaskState } from '../domain/task-state.ts';
import { appendEvents } from './append-events.ts';
import type { Database } from './database.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

export type NewInstruction = {
  readonly taskId: string;
  readonly runId: string;
  readonly prompt: string;
  /** The key belongs to who asks, who need not be the task's owner. */
  readonly idempotency: {
    readonly ownerId: string;
    readonly route: string;
    readonly key: string;
    readonly bodyHash: string;
  } | null;
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
    const kept = await findKept(tx, instruction);
    if (kept !== undefined) return kept;
    if (!instructable.includes(task.state) || task.cancel_requested_at !== null) {
      return { kind: 'refused', state: task.state, cancelling: task.cancel_requested_at !== null };
    }
    const iteration = task.iteration + 1;
    if (!(await keepAnswer(tx, instruction, iteration))) return { kind: 'mismatch' };
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

async function findKept(
  tx: Transaction<Tables>,
  { idempotency, taskId }: NewInstruction,
): Promise<InstructAnswer | undefined> {
  if (idempotency === null) return undefined;
  const kept = await tx
    .selectFrom('idempotency_keys')
    .select(['task_id', 'body_hash', 'iteration'])
    .where('owner_id', '=', idempotency.ownerId)
    .where('route', '=', idempotency.route)
    .where('key', '=', idempotency.key)
    .executeTakeFirst();
  if (kept === undefined) return undefined;
  const same = kept.task_id === taskId && kept.body_hash === idempotency.bodyHash;
  if (!same || kept.iteration === null) return { kind: 'mismatch' };
  return { kind: 'instructed', iteration: kept.iteration, added: false };
}

/** False: somebody took the key meanwhile, and for another task, since this one's row is locked. */
async function keepAnswer(
  tx: Transaction<Tables>,
  { idempotency, taskId }: NewInstruction,
  iteration: number,
): Promise<boolean> {
  if (idempotency === null) return true;
  const { ownerId, route, key, bodyHash } = idempotency;
  const row = await tx
    .insertInto('idempotency_keys')
    .values({ owner_id: ownerId, route, key, body_hash: bodyHash, task_id: taskId, iteration })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return row.numInsertedOrUpdatedRows === 1n;
}

/** With the priority and the requirements of the run before it. */
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
      select priority, requires from runs where runs.task_id = tasks.id order by number desc limit 1
    ) earlier
    where tasks.id = ${taskId}`.execute(tx);
}
