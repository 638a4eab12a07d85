import { sql, type Transaction } from 'kysely';
import type { TaskState } from '../domain/task-state.ts';
import type { Database } from './database.ts';
import { lastUse } from './idle-workspaces.ts';
import type { Tables } from './tables.ts';
import type { Viewer } from './tasks.ts';

/** A workspace that has a folder on some worker's disk. */
export type WorkspaceRow = {
  /** The newest task of those that share it, and its state. */
  readonly taskId: string;
  readonly state: TaskState;
  /** Null: not measured yet. */
  readonly diskBytes: number | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

export type WorkspacePage = {
  readonly rows: readonly WorkspaceRow[];
  /** Of all that the viewer may see, whatever the page. */
  readonly total: number;
  readonly totalBytes: number;
};

/**
 * Those with a folder: one that counts, one that a run is at work in, or one that was measured and not removed, as
 * after a run that failed. A folder that was not measured yet and counts for nothing is missing for a moment.
 */
const hasFolder = sql<boolean>`(workspaces.worker_id is not null or workspaces.disk_bytes is not null
  or workspaces.id in (select runs.workspace_id from runs where runs.state in ('running', 'collecting')))`;

/** A page of the viewer's own, newest first; of an administrator everybody's. */
export async function readWorkspacePage(
  database: Database,
  viewer: Viewer,
  page: { readonly limit: number; readonly offset: number; readonly days: number },
): Promise<WorkspacePage> {
  const visible = database.kysely
    .selectFrom('workspaces')
    .where(hasFolder)
    .$if(!viewer.isAdmin, (query) => query.where('workspaces.owner_id', '=', viewer.userId));
  const rows = await visible
    .innerJoinLateral(
      (join) =>
        join
          .selectFrom('tasks')
          .select(['tasks.id', 'tasks.state'])
          .whereRef('tasks.workspace_id', '=', 'workspaces.id')
          .orderBy('tasks.number', 'desc')
          .limit(1)
          .as('newest'),
      (join) => join.onTrue(),
    )
    .select([
      'newest.id as taskId',
      'newest.state as state',
      'workspaces.disk_bytes as diskBytes',
      'workspaces.created_at as createdAt',
      sql<Date>`coalesce(workspaces.expires_at, ${lastUse} + make_interval(days => ${page.days}))`.as(
        'expiresAt',
      ),
    ])
    .orderBy('workspaces.number', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const sums = await visible
    .select([
      sql<number>`count(*)`.as('total'),
      sql<number>`coalesce(sum(workspaces.disk_bytes), 0)::float8`.as('totalBytes'),
    ])
    .executeTakeFirstOrThrow();
  return { rows, ...sums };
}

export type DeletionAnswer =
  /** There is no workspace any more, or none yet. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly state: TaskState }
  | { readonly kind: 'deleted'; readonly workspaceId: string };

/**
 * Marks the workspace of a task as gone: its folder, on whose disk it may be, is a leftover from then on. Kept
 * work and conversation stay with it, so whatever runs there next lays the tree out anew (and takes the mark away).
 *
 * The tasks' rows keep a claim away until the mark is there. A task that was created between the two looks at
 * them is in the second, and one that comes later waits for the workspace's row. Such a task may still be claimed
 * before the mark, and goes on in the old tree: whoever removes that looks for live runs first.
 */
export async function deleteWorkspace(
  database: Database,
  taskId: string,
  refused: readonly TaskState[],
): Promise<DeletionAnswer> {
  return database.transaction(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .select('workspace_id')
      .where('id', '=', taskId)
      .executeTakeFirst();
    if (task === undefined) return { kind: 'unknown' };
    const { workspace_id: workspaceId } = task;
    const tasks = tx.selectFrom('tasks').select('state').where('workspace_id', '=', workspaceId);
    await tasks.orderBy('number').forUpdate().execute();
    const workspace = await tx
      .selectFrom('workspaces')
      .select(
        sql<boolean>`worker_id is not null or disk_bytes is not null
          or (base_commit is not null and coalesce(expires_at > now(), true))`.as('isThere'),
      )
      .where('id', '=', workspaceId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const states = (await tasks.execute()).map(({ state }) => state);
    const busy = states.find((state) => refused.includes(state)) ?? (await liveTaskState(tx, workspaceId));
    if (busy !== undefined) return { kind: 'refused', state: busy };
    if (!workspace.isThere) return { kind: 'unknown' };
    await tx
      .updateTable('workspaces')
      .set({ worker_id: null, disk_bytes: null, measured_at: sql`now()`, expires_at: sql`now()` })
      .where('id', '=', workspaceId)
      .execute();
    return { kind: 'deleted', workspaceId };
  });
}

/** A follow-up is prepared while its task still awaits it: the state alone does not tell that a run is live. */
async function liveTaskState(tx: Transaction<Tables>, workspaceId: string): Promise<TaskState | undefined> {
  const live = await tx
    .selectFrom('runs')
    .innerJoin('tasks', 'tasks.id', 'runs.task_id')
    .select('tasks.state')
    .where('runs.workspace_id', '=', workspaceId)
    .where('runs.state', 'in', ['preparing', 'running', 'collecting'])
    .executeTakeFirst();
  return live?.state;
}

/**
 * Keeps the size of a tree, if nobody removed, measured or took it since it was looked at: `seen` is what was
 * found then. False: it is out of date.
 */
export async function keepWorkspaceSize(
  database: Database,
  seen: {
    readonly workspaceId: string;
    readonly workerId: string | null;
    readonly measuredAt: string | null;
  },
  bytes: number,
): Promise<boolean> {
  const rows = await database.statement(
    {
      name: 'keep-workspace-size',
      text: `update workspaces set disk_bytes = $4, measured_at = now()
        where id = $1 and worker_id is not distinct from $2 and measured_at is not distinct from $3::timestamptz
        returning 1 as kept`,
    },
    [seen.workspaceId, seen.workerId, seen.measuredAt, bytes],
  );
  return rows.length === 1;
}

/** How many workspaces are known to lie on disks, and what they take there: of all hosts. */
export async function sumWorkspaces(
  database: Database,
): Promise<{ readonly count: number; readonly bytes: number }> {
  return database.kysely
    .selectFrom('workspaces')
    .select([
      sql<number>`count(*)`.as('count'),
      sql<number>`coalesce(sum(disk_bytes), 0)::float8`.as('bytes'),
    ])
    .where((where) => where.or([where('worker_id', 'is not', null), where('disk_bytes', 'is not', null)]))
    .executeTakeFirstOrThrow();
}
