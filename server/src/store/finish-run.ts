import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { pushEffectKey, type PushPayload } from '../domain/effect-state.ts';
import type { ChangesSummary, NewEvent, Spend } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { LiveRunState } from '../domain/run-state.ts';
import type { TaskState } from '../domain/task-state.ts';
import { appendEvents, jsonText, storableText, type Claim } from './append-events.ts';
import { dropApprovals } from './approvals.ts';
import type { StoredBlob } from './blob-folder.ts';
import type { Database } from './database.ts';
import { insertNextAttempt } from './next-attempt.ts';
import { falseWhenMoved, heldRun, rollBack, secondsFromNow } from './move-run.ts';
import { readIterationSpend } from './spend.ts';
import type { Tables } from './tables.ts';

/** A claimed run as its end needs it. */
export type FinishingRun = Claim & {
  readonly state: LiveRunState;
  readonly taskId: string;
  readonly ownerId: string;
  readonly workspaceId: string;
  readonly iteration: number;
};

export type Success = {
  readonly result: string;
  /** The agent's own word for why it stopped. */
  readonly stopReason?: string | undefined;
  readonly agentVersion?: string | undefined;
  /** The conversation to go on with, and its files. */
  readonly session?: KeptSession | undefined;
  readonly durationMs: number;
  /** What there is to keep; undefined: the agent changed nothing. */
  readonly work: Work | undefined;
  /** Where it is to be pushed; undefined: a person publishes. */
  readonly push:
    | { readonly effectId: string; readonly branch: string; readonly expected: string | null }
    | undefined;
};

/** An agent's conversation: its id, and a blob of the files that it is, where there are any. */
export type KeptSession = {
  readonly id: string;
  readonly agent: string;
  readonly files: StoredBlob | undefined;
};

export type Work = {
  readonly commit: string;
  readonly bundle: StoredBlob;
  readonly patch: StoredBlob;
  readonly changes: ChangesSummary;
};

/**
 * collecting → succeeded, and the task with it: `completed`, and where it publishes by itself at once
 * `creating_pr` with its push as a row of the same transaction. False: the claim is lost, nothing was
 * written.
 */
export async function finishRun(database: Database, run: FinishingRun, success: Success): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      if (success.work !== undefined) await insertBlobs(tx, run.ownerId, success.work);
      await insertSessionBlob(tx, run.ownerId, success.session);
      await moveTask(tx, run, success);
      const moved = await heldRun(tx, run, 'collecting')
        .set({
          state: 'succeeded',
          commit: success.work?.commit ?? null,
          bundle_blob_id: success.work?.bundle.id ?? null,
          changes: success.work === undefined ? null : jsonText(success.work.changes),
          result: storableText(success.result),
          stop_reason: success.stopReason === undefined ? null : storableText(success.stopReason),
          ...(success.agentVersion === undefined
            ? {}
            : { agent_version: storableText(success.agentVersion) }),
          ended_at: sql`now()`,
          deadline_at: null,
        })
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      if (success.push !== undefined && success.work !== undefined) {
        await insertPush(tx, run, { ...success.push, commit: success.work.commit });
      }
      await keepWorkspace(tx, run, success);
      const spend = await readIterationSpend(tx, run.taskId, run.iteration);
      await appendEvents(tx, run.taskId, run.runId, successEvents(run, success, spend));
      if (success.push === undefined) await goOnWithInstructions(tx, run.taskId);
      return true;
    })
    .catch(falseWhenMoved);
}

async function moveTask(tx: Transaction<Tables>, run: FinishingRun, success: Success): Promise<void> {
  await stopWaiting(tx, run.taskId);
  const task = await tx
    .updateTable('tasks')
    .set({
      state: 'completed',
      result: storableText(success.result),
      failure: null,
      changes: success.work === undefined ? null : jsonText(success.work.changes),
      patch_blob_id: success.work?.patch.id ?? null,
      duration_ms: sql`duration_ms + ${success.durationMs}`,
      finished_at: sql`now()`,
      deadline_at: null,
    })
    .where('id', '=', run.taskId)
    .where('state', '=', 'running')
    // Who was told that the task is being cancelled must not see it completed.
    .where('cancel_requested_at', 'is', null)
    .executeTakeFirst();
  if (task.numUpdatedRows !== 1n) rollBack();
  if (success.push === undefined) return;
  await tx
    .updateTable('tasks')
    .set({
      state: 'creating_pr',
      branch: success.push.branch,
      finished_at: null,
      deadline_at: secondsFromNow(deadlineSeconds.delivering),
    })
    .where('id', '=', run.taskId)
    .execute();
}

/** An agent may end without waiting for the answer that it asked for: the question is nobody's any more. */
async function stopWaiting(tx: Transaction<Tables>, taskId: string): Promise<void> {
  const waiting = await tx
    .updateTable('tasks')
    .set({ state: 'running' })
    .where('id', '=', taskId)
    .where('state', '=', 'waiting_for_user')
    .executeTakeFirst();
  if (waiting.numUpdatedRows === 1n) await dropApprovals(tx, taskId);
}

async function insertBlobs(tx: Transaction<Tables>, ownerId: string, work: Work): Promise<void> {
  await tx
    .insertInto('blobs')
    .values([
      { ...work.bundle, owner_id: ownerId, kind: 'bundle' },
      { ...work.patch, owner_id: ownerId, kind: 'patch' },
    ])
    .execute();
}

async function insertPush(
  tx: Transaction<Tables>,
  run: FinishingRun,
  push: Omit<PushPayload, 'firstBranch'> & { readonly effectId: string },
): Promise<void> {
  const payload: PushPayload = {
    commit: push.commit,
    branch: push.branch,
    expected: push.expected,
    firstBranch: push.branch,
  };
  await tx
    .insertInto('effects')
    .values({
      id: push.effectId,
      owner_id: run.ownerId,
      task_id: run.taskId,
      run_id: run.runId,
      kind: 'push',
      key: pushEffectKey(run.runId, push.branch),
      payload: jsonText(payload),
      state: 'waiting',
      deadline_at: secondsFromNow(deadlineSeconds.delivering),
    })
    .execute();
}

async function keepWorkspace(
  tx: Transaction<Tables>,
  run: FinishingRun,
  { work, session }: Success,
): Promise<void> {
  await tx
    .updateTable('workspaces')
    .set({
      ...(work === undefined ? {} : { head_commit: work.commit, bundle_blob_id: work.bundle.id }),
      ...sessionColumns(session),
      snapshot_commit: null,
      snapshot_blob_id: null,
      used_at: sql`now()`,
    })
    .where('id', '=', run.workspaceId)
    .execute();
}

/** A run without a conversation leaves none: what an earlier one said would be out of date. */
export function sessionColumns(session: KeptSession | undefined) {
  return {
    session: session === undefined ? null : storableText(session.id),
    session_agent: session?.agent ?? null,
    session_blob_id: session?.files?.id ?? null,
  };
}

export async function insertSessionBlob(
  tx: Transaction<Tables>,
  ownerId: string,
  session: KeptSession | undefined,
): Promise<void> {
  if (session?.files === undefined) return;
  await tx
    .insertInto('blobs')
    .values({ ...session.files, owner_id: ownerId, kind: 'session' })
    .execute();
}

/** A task at rest with instructions that wait does not rest: the oldest of them is next. */
export async function goOnWithInstructions(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({
      state: 'awaiting_instruction',
      finished_at: null,
      deadline_at: secondsFromNow(deadlineSeconds.pending),
    })
    .where('id', '=', taskId)
    .where('state', 'in', ['completed', 'pr_created'])
    .where((where) =>
      where.exists(
        where
          .selectFrom('runs')
          .select('runs.id')
          .whereRef('runs.task_id', '=', 'tasks.id')
          .where('runs.state', '=', 'queued'),
      ),
    )
    .execute();
}

function successEvents(run: FinishingRun, success: Success, spend: Spend): readonly NewEvent[] {
  return [
    success.work === undefined
      ? { type: 'no_changes', data: {} }
      : { type: 'commit_created', data: { commit: success.work.commit } },
    {
      type: 'task_completed',
      data: {
        result: success.result,
        changes: success.work?.changes ?? null,
        durationSeconds: Math.round(success.durationMs / 1_000),
        iteration: run.iteration,
        spend,
      },
    },
  ];
}

export type FailureDetails = {
  readonly retry?: { readonly runId: string; readonly inMs: number; readonly attempt: number };
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
          .set(sessionColumns(undefined))
          .where('id', '=', run.workspaceId)
          .execute();
      }
      await dropApprovals(tx, run.taskId);
      const events = [...(details.events ?? [])];
      if (details.retry === undefined) {
        events.push({ type: 'task_failed', data: { failure } });
      } else {
        const { runId, inMs } = details.retry;
        await insertNextAttempt(tx, run.runId, { runId, cause: 'retry', inSeconds: inMs / 1_000 });
        events.push({ type: 'run_retried', data: { attempt: details.retry.attempt, failure } });
      }
      await appendEvents(tx, run.taskId, run.runId, events);
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
  await tx
    .updateTable('runs')
    .set({ state: 'cancelled', ended_at: sql`now()`, deadline_at: null })
    .where('task_id', '=', taskId)
    .where('state', '=', 'queued')
    .execute();
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
      return true;
    })
    .catch(falseWhenMoved);
}

async function endRun(
  tx: Transaction<Tables>,
  run: FinishingRun,
  end: { readonly state: 'failed' | 'cancelled'; readonly failure?: Failure },
): Promise<void> {
  const moved = await heldRun(tx, run, run.state)
    .set({
      state: end.state,
      failure: end.failure === undefined ? null : jsonText(end.failure),
      ended_at: sql`now()`,
      deadline_at: null,
    })
    .executeTakeFirst();
  if (moved.numUpdatedRows !== 1n) rollBack();
}
