import { sql, type Transaction } from 'kysely';
import { liveRunStates } from '../domain/run-state.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** A workspace as far as its tree on some worker's disk goes. */
export type TreeOwner = {
  readonly workspaceId: string;
  /** Whose disk has the tree that counts; null: nobody's, or a run is at work in it. */
  readonly workerId: string | null;
  /** Somebody wanted it gone, and no run has begun there since. */
  readonly isDeleted: boolean;
  /** A run is at work in it, or waits for it. */
  readonly isBusy: boolean;
  /** Nobody's tree counts, and what its last run wrote was too much for the disk. */
  readonly filledDisk: boolean;
  /** Since a run began or ended there. */
  readonly idleSeconds: number;
  /** Null: nobody has measured the tree. */
  readonly diskBytes: number | null;
  /** When that was, as the database writes it. */
  readonly measuredAt: string | null;
  /** A run has been at work since then. */
  readonly isStale: boolean;
  /** Under which addresses its repository was fetched: a mirror each. */
  readonly repositories: readonly { readonly url: string; readonly canonicalUrl: string }[];
};

/** Workspaces on this worker's disk that nobody used for `idleDays`, by id, from behind `after` on. */
export async function findIdleWorkspaces(
  database: Database,
  workerId: string,
  idleDays: number,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly TreeOwner[]> {
  const rows = await database.kysely
    .selectFrom('workspaces')
    .select('id')
    .where('worker_id', '=', workerId)
    .where(expired(idleDays))
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after ?? ''))
    .orderBy('id')
    .limit(page.limit)
    .execute();
  const ids = rows.map((row) => row.id);
  return findTreeOwners(database, ids);
}

/** The workspaces with these ids, by id; those that do not exist are missing. */
export async function findTreeOwners(
  database: Database,
  ids: readonly string[],
): Promise<readonly TreeOwner[]> {
  if (ids.length === 0) return [];
  const result = await sql<TreeOwner>`
    select workspaces.id as "workspaceId", workspaces.worker_id as "workerId",
      coalesce(workspaces.expires_at <= now(), false) as "isDeleted",
      exists (select from runs where runs.workspace_id = workspaces.id
        and runs.state in ('queued', 'preparing', 'running', 'collecting')) as "isBusy",
      ${filledDisk} as "filledDisk",
      extract(epoch from now() - ${lastUse})::float8 as "idleSeconds",
      workspaces.disk_bytes as "diskBytes", workspaces.measured_at::text as "measuredAt",
      coalesce(workspaces.measured_at < ${lastUse}, true) as "isStale",
      coalesce((select jsonb_agg(distinct jsonb_build_object('url', tasks.repository_url,
          'canonicalUrl', repositories.canonical_url))
        from tasks join repositories on repositories.id = tasks.repository_id
        where tasks.workspace_id = workspaces.id), '[]') as repositories
    from workspaces
    where workspaces.id = any(${[...ids]}::uuid[])
    order by workspaces.id`.execute(database.kysely);
  return result.rows;
}

/**
 * Why a worker's tree may go. `idle`: it counts, and nobody used it for so many days. `leftover`: another
 * tree counts, or the workspace was deleted, or none counts (its last run ended badly) and nobody used it for so
 * many days. `room`: the space is needed; one that counts goes, since its work is kept, one that no run goes on
 * in when it is an hour old, and at once where its run is what filled the disk.
 */
export type ReasonToGo =
  | { readonly kind: 'idle' | 'leftover'; readonly days: number }
  | { readonly kind: 'room' };

export type LettingGo = {
  readonly workspaceId: string;
  readonly workerId: string;
  readonly because: ReasonToGo;
};

/** From when on a tree that holds the only copy of what a failed run did may go for the space it takes. */
export const unkeptSeconds = 3_600;

/**
 * Calls `discard`, which puts this worker's tree out of the way, while nothing can begin to use it; then the
 * workspace is on nobody's disk. False, and nothing was done, when it is in use after all or somebody else
 * holds its row.
 *
 * The row's lock is what keeps a claim away: a run that does not exist cannot be claimed, and inserting one
 * refers to the workspace, which waits for the lock. So is a run that was inserted just before seen by the
 * second statement, whose snapshot is taken under the lock; a single statement would look at an older one.
 */
export async function letGoOfWorkspace(
  database: Database,
  going: LettingGo,
  discard: () => Promise<void>,
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const locked = await tx
      .selectFrom('workspaces')
      .select('worker_id')
      .where('id', '=', going.workspaceId)
      .where(mayGo(going))
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    if (locked === undefined || (await isInUse(tx, going.workspaceId))) return false;
    await discard();
    // A tree that counts elsewhere has a size of its own there.
    if (locked.worker_id !== null && locked.worker_id !== going.workerId) return true;
    await tx
      .updateTable('workspaces')
      .set({ worker_id: null, disk_bytes: null, measured_at: sql`now()` })
      .where('id', '=', going.workspaceId)
      .execute();
    return true;
  });
}

function mayGo({ workerId, because }: LettingGo) {
  const isOurs = sql<boolean>`worker_id = ${workerId}`;
  switch (because.kind) {
    case 'idle':
      return sql<boolean>`${isOurs} and ${expired(because.days)}`;
    case 'leftover':
      return sql<boolean>`worker_id is distinct from ${workerId} and (worker_id is not null
        or expires_at <= now() or ${lastUse} < now() - make_interval(days => ${because.days}))`;
    case 'room':
      return sql<boolean>`(${isOurs} or (worker_id is null
        and (${filledDisk} or ${lastUse} < now() - make_interval(secs => ${unkeptSeconds}))))`;
    default:
      return because satisfies never;
  }
}

/** Nobody's tree counts any more: the run that is at work there makes a new one. */
export async function forgetTree(database: Database, workspaceId: string): Promise<void> {
  await database.statement(
    { name: 'forget-tree', text: 'update workspaces set worker_id = null where id = $1' },
    [workspaceId],
  );
}

/** A callback tells of the task alone: neither tree nor mirror matter to it. */
async function isInUse(tx: Transaction<Tables>, workspaceId: string): Promise<boolean> {
  const run = await tx
    .selectFrom('runs')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('state', 'in', ['queued', ...liveRunStates])
    .limit(1)
    .executeTakeFirst();
  if (run !== undefined) return true;
  const effect = await tx
    .selectFrom('effects')
    .innerJoin('tasks', 'tasks.id', 'effects.task_id')
    .select('effects.id')
    .where('tasks.workspace_id', '=', workspaceId)
    .where('effects.state', 'in', ['waiting', 'leased'])
    .where('effects.kind', '<>', 'callback')
    .limit(1)
    .executeTakeFirst();
  return effect !== undefined;
}

/** When a workspace was used last: `used_at` is not moved by a run that ends badly. */
export const lastUse = sql<Date>`greatest(workspaces.used_at,
  (select max(runs.ended_at) from runs where runs.workspace_id = workspaces.id))`;

const filledDisk = sql<boolean>`(workspaces.worker_id is null and coalesce((select runs.failure ->> 'code' from runs
  where runs.workspace_id = workspaces.id order by runs.number desc limit 1) = 'disk_limit', false))`;

function expired(days: number) {
  return sql<boolean>`coalesce(workspaces.expires_at, workspaces.used_at + make_interval(days => ${days})) < now()`;
}
