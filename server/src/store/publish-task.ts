import { sql, type Kysely } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { pushEffectKey, type PullRequestWish } from '../domain/effect-state.ts';
import type { ChangedFiles, ChangesSummary } from '../domain/event.ts';
import type { TaskState } from '../domain/task-state.ts';
import type { Database } from './database.ts';
import { insertEffect } from './effects.ts';
import { findKeptRequest, keepRequest, type KeptRequest } from './kept-requests.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

/** What is kept of a task's work. */
export type KeptWork = {
  readonly runId: string;
  readonly commit: string;
  readonly changes: ChangesSummary;
  /** Null: it was made before files were kept. */
  readonly files: ChangedFiles | null;
  /** What was pushed last, if the branch was ever pushed. */
  readonly pushed: string | null;
};

export type PublishRequest = {
  readonly taskId: string;
  readonly pushEffectId: string;
  readonly wish: PullRequestWish;
  /** Where the task has no branch yet. */
  readonly firstBranch: string;
  readonly idempotency: KeptRequest | null;
};

export type PublishAnswer =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly state: TaskState }
  | { readonly kind: 'no_changes' }
  | { readonly kind: 'mismatch' }
  /** `added` false: it is what the first request with this key asked for. */
  | { readonly kind: 'wanted'; readonly added: boolean };

/** The work that a task would publish, its own in a workspace that others share; undefined: it has changed nothing. */
export async function findWork(queries: Kysely<Tables>, taskId: string): Promise<KeptWork | undefined> {
  const row = await queries
    .selectFrom('tasks')
    .innerJoin('runs', (join) =>
      join
        .onRef('runs.task_id', '=', 'tasks.id')
        .onRef('runs.workspace_id', '=', 'tasks.workspace_id')
        .on('runs.bundle_blob_id', 'is not', null),
    )
    .select([
      'runs.id as runId',
      'runs.commit',
      'runs.changes',
      'runs.files',
      'tasks.pushed_commit as pushed',
    ])
    .where('tasks.id', '=', taskId)
    .orderBy('runs.number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined || row.commit === null || row.changes === null) return undefined;
  const { filesModified, filesCreated, filesDeleted } = row.changes;
  if (filesModified + filesCreated + filesDeleted === 0) return undefined;
  return { ...row, commit: row.commit, changes: row.changes };
}

/**
 * completed → creating_pr with the push that the pull request follows. Check and change are one transaction
 * under the task's row lock: of two at once, one is refused. The branch is pushed also where it was before:
 * git compares, and one that was deleted meanwhile comes back.
 */
export async function publishTask(database: Database, request: PublishRequest): Promise<PublishAnswer> {
  return database.transaction(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .select(['state', 'owner_id', 'branch', 'iteration'])
      .where('id', '=', request.taskId)
      .forUpdate()
      .executeTakeFirst();
    if (task === undefined) return { kind: 'unknown' };
    const kept = await findKeptRequest(tx, request.taskId, request.idempotency);
    if (kept === 'other') return { kind: 'mismatch' };
    if (kept !== undefined) return { kind: 'wanted', added: false };
    if (task.state !== 'completed') return { kind: 'refused', state: task.state };
    const work = await findWork(tx, request.taskId);
    if (work === undefined) return { kind: 'no_changes' };
    if (!(await keepRequest(tx, request.taskId, request.idempotency, task.iteration))) {
      return { kind: 'mismatch' };
    }
    const branch = task.branch ?? request.firstBranch;
    await tx
      .updateTable('tasks')
      .set({
        state: 'creating_pr',
        branch,
        finished_at: null,
        deadline_at: secondsFromNow(deadlineSeconds.delivering),
      })
      .where('id', '=', request.taskId)
      .execute();
    await insertEffect(tx, {
      id: request.pushEffectId,
      kind: 'push',
      // A key of its own: the same commit may have been pushed when the task had ended.
      key: `${pushEffectKey(work.runId, branch)}:${request.pushEffectId}`,
      payload: {
        commit: work.commit,
        branch,
        expected: work.pushed,
        firstBranch: branch,
        pullRequest: request.wish,
      },
      ownerId: task.owner_id,
      taskId: request.taskId,
      runId: work.runId,
    });
    return { kind: 'wanted', added: true };
  });
}

/** How far the publication of a task is. */
export type Publication = {
  readonly state: TaskState;
  readonly failure: string | null;
  readonly branch: string | null;
  readonly number: number | null;
  readonly url: string | null;
};

/** Undefined: there is no such task. */
export async function readPublication(database: Database, taskId: string): Promise<Publication | undefined> {
  return database.kysely
    .selectFrom('tasks')
    .select([
      'state',
      'branch',
      'pull_request_number as number',
      'pull_request_url as url',
      sql<string | null>`failure ->> 'message'`.as('failure'),
    ])
    .where('id', '=', taskId)
    .executeTakeFirst();
}
