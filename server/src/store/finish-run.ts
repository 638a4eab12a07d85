import { sql, type Transaction, type UpdateObject } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { pushEffectKey, reviewEffectKey, type PullRequestWish } from '../domain/effect-state.ts';
import type { ChangedFiles, ChangesSummary, NewEvent } from '../domain/event.ts';
import type { Spend } from '../domain/spend.ts';
import type { LiveRunState } from '../domain/run-state.ts';
import { appendEvents, jsonText, storableText, type Claim } from './append-events.ts';
import { dropApprovals } from './approvals.ts';
import type { StoredBlob } from './blob-folder.ts';
import type { Database } from './database.ts';
import { readOnlyEvents, reviewEvents, type ReadOnly, type Reviewed } from './end-review.ts';
import { insertEffect } from './effects.ts';
import { goOnWithInstructions } from './go-on.ts';
import { falseWhenMoved, heldRun, holderOf, rollBack, secondsFromNow } from './move-run.ts';
import { readIterationSpend } from './spend.ts';
import type { Tables } from './tables.ts';
import { tellOfEnd } from './tell-of-end.ts';
import { insertTestRun } from './test-runs.ts';

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
  /** Of a run that was to read only: then there is no work. */
  readonly readOnly?: ReadOnly | undefined;
  readonly reviewed?: (Reviewed & { readonly post: ReviewPost | undefined }) | undefined;
  /** Where it is to be pushed; undefined: a person publishes. */
  readonly push:
    | {
        readonly effectId: string;
        readonly branch: string;
        readonly expected: string | null;
        readonly pullRequest: PullRequestWish | undefined;
      }
    | undefined;
  /** The run that tries the work first; the task goes on until that has ended. Then there is no `push` yet. */
  readonly testRunId?: string | undefined;
};

/** The pull request that a review is posted to. */
export type ReviewPost = { readonly effectId: string; readonly number: number };

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
  readonly files: ChangedFiles;
};

/**
 * collecting → succeeded, and the task with it: `completed`, and where it publishes by itself at once
 * `creating_pr` with its push as a row of the same transaction; or it goes on, to have its work tested. False: the
 * claim is lost, nothing was written.
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
          commit: success.work?.commit ?? success.reviewed?.commit ?? null,
          bundle_blob_id: success.work?.bundle.id ?? null,
          changes: success.work === undefined ? null : jsonText(success.work.changes),
          files: success.work === undefined ? null : jsonText(success.work.files),
          result: storableText(success.result),
          review: success.reviewed === undefined ? null : jsonText(success.reviewed.result),
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
      if (success.testRunId !== undefined) {
        await insertTestRun(tx, run, success.testRunId);
        await appendEvents(tx, run.taskId, run.runId, workEvents(success));
        return true;
      }
      const spend = await readIterationSpend(tx, run.taskId, run.iteration);
      await appendEvents(tx, run.taskId, run.runId, successEvents(run, success, spend));
      await insertReviewPost(tx, run, success.reviewed);
      if (success.push === undefined) {
        // Who is told of the task's end finds its review posted: `settleReview` lets the callback go.
        const held = success.reviewed?.post === undefined ? {} : { afterSeconds: deadlineSeconds.delivering };
        await tellOfEnd(tx, run.taskId, held);
        await goOnWithInstructions(tx, run.taskId);
      }
      return true;
    })
    .catch(falseWhenMoved);
}

async function moveTask(tx: Transaction<Tables>, run: FinishingRun, success: Success): Promise<void> {
  if (run.waiting) await stopWaiting(tx, run.taskId);
  const columns = {
    result: storableText(success.result),
    changes: success.work === undefined ? null : jsonText(success.work.changes),
    patch_blob_id: success.work?.patch.id ?? null,
    ...(success.reviewed === undefined ? {} : { review_run_id: run.runId }),
    duration_ms: sql<number>`duration_ms + ${success.durationMs}`,
  };
  if (success.testRunId === undefined) await completeTask(tx, run.taskId, columns, success.push?.branch);
  else await changeRunning(tx, run.taskId, columns);
}

/** The task of a run that ended well: `completed`, and at once `creating_pr` where its work goes to a branch. */
export async function completeTask(
  tx: Transaction<Tables>,
  taskId: string,
  columns: UpdateObject<Tables, 'tasks'>,
  branch: string | undefined,
): Promise<void> {
  await changeRunning(tx, taskId, {
    ...columns,
    state: 'completed',
    failure: null,
    finished_at: sql<Date>`now()`,
    deadline_at: null,
  });
  if (branch === undefined) return;
  await tx
    .updateTable('tasks')
    .set({
      state: 'creating_pr',
      branch,
      finished_at: null,
      deadline_at: secondsFromNow(deadlineSeconds.delivering),
    })
    .where('id', '=', taskId)
    .execute();
}

/** Who was told that the task is being cancelled must not see it go on. */
export async function changeRunning(
  tx: Transaction<Tables>,
  taskId: string,
  columns: UpdateObject<Tables, 'tasks'>,
): Promise<void> {
  const task = await tx
    .updateTable('tasks')
    .set(columns)
    .where('id', '=', taskId)
    .where('state', '=', 'running')
    .where('cancel_requested_at', 'is', null)
    .executeTakeFirst();
  if (task.numUpdatedRows !== 1n) rollBack();
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

export async function insertPush(
  tx: Transaction<Tables>,
  run: Pick<FinishingRun, 'runId' | 'taskId' | 'ownerId'>,
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

async function insertReviewPost(
  tx: Transaction<Tables>,
  run: FinishingRun,
  reviewed: Success['reviewed'],
): Promise<void> {
  if (reviewed?.post === undefined) return;
  const { post, commit, result: review } = reviewed;
  await insertEffect(tx, {
    id: post.effectId,
    kind: 'review',
    key: reviewEffectKey(run.runId, post.number),
    payload: { number: post.number, commit, review, endsTask: true },
    ownerId: run.ownerId,
    taskId: run.taskId,
    runId: run.runId,
  });
}

async function keepWorkspace(
  tx: Transaction<Tables>,
  run: FinishingRun,
  { work, session, readOnly }: Success,
): Promise<void> {
  const workspace = tx.updateTable('workspaces').where('id', '=', run.workspaceId);
  await workspace
    .set({
      ...(work === undefined ? {} : { head_commit: work.commit, bundle_blob_id: work.bundle.id }),
      worker_id: readOnly?.restored === undefined ? holderOf(run) : null,
      snapshot_commit: null,
      snapshot_blob_id: null,
      parked_task_id: null,
      used_at: sql`now()`,
    })
    .execute();
  // Who only looked at the work leaves the conversation to the task that goes on with it.
  const own =
    readOnly === undefined
      ? workspace
      : workspace.where((where) =>
          where.or([where('session', 'is', null), where('session_task_id', '=', run.taskId)]),
        );
  await own.set(sessionColumns(run.taskId, session)).execute();
}

/** A run without a conversation leaves none: what an earlier one said would be out of date. */
export function sessionColumns(taskId: string, session: KeptSession | undefined) {
  return {
    session: session === undefined ? null : storableText(session.id),
    session_task_id: session === undefined ? null : taskId,
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

function successEvents(run: FinishingRun, success: Success, spend: Spend): readonly NewEvent[] {
  return [
    ...workEvents(success),
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
    ...(success.reviewed === undefined ? [] : reviewEvents(success.reviewed)),
  ];
}

function workEvents({ work, readOnly }: Success): readonly NewEvent[] {
  if (readOnly !== undefined) return readOnlyEvents(readOnly);
  if (work === undefined) return [{ type: 'no_changes', data: {} }];
  return [{ type: 'commit_created', data: { commit: work.commit } }];
}
