import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { pushEffectKey, type PullRequestWish } from '../domain/effect-state.ts';
import type { ChangesSummary, NewEvent } from '../domain/event.ts';
import type { Spend } from '../domain/spend.ts';
import type { LiveRunState } from '../domain/run-state.ts';
import { appendEvents, jsonText, storableText, type Claim } from './append-events.ts';
import { dropApprovals } from './approvals.ts';
import { wantCallback } from './callbacks.ts';
import type { StoredBlob } from './blob-folder.ts';
import type { Database } from './database.ts';
import { insertEffect } from './effects.ts';
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
  /** A question of its agent waited for a person when the agent ended. */
  readonly waiting: boolean;
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
    | {
        readonly effectId: string;
        readonly branch: string;
        readonly expected: string | null;
        readonly pullRequest: PullRequestWish | undefined;
      }
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
      if (success.push === undefined) {
        await wantCallback(tx, run.taskId);
        await goOnWithInstructions(tx, run.taskId);
      }
      return true;
    })
    .catch(falseWhenMoved);
}

async function moveTask(tx: Transaction<Tables>, run: FinishingRun, success: Success): Promise<void> {
  if (run.waiting) await stopWaiting(tx, run.taskId);
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
export async function stopWaiting(tx: Transaction<Tables>, taskId: string): Promise<void> {
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
  {
    effectId,
    branch,
    expected,
    commit,
    pullRequest,
  }: NonNullable<Success['push']> & { readonly commit: string },
): Promise<void> {
  await insertEffect(tx, {
    id: effectId,
    kind: 'push',
    key: pushEffectKey(run.runId, branch),
    payload: {
      commit,
      branch,
      expected,
      firstBranch: branch,
      ...(pullRequest === undefined ? {} : { pullRequest }),
    },
    ownerId: run.ownerId,
    taskId: run.taskId,
    runId: run.runId,
  });
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
