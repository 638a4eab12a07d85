import { sql, type Transaction } from 'kysely';
import { liveRunStates } from '../domain/run-state.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** A workspace as far as its tree on some worker's disk goes. */
export type TreeOwner = {
  readonly workspaceId: string;
  /** Whose disk has the tree that counts; null: nobody's, or a run is at work in it. */
  readonly workerId: string | null;
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
    .where('used_at', '<', daysAgo(idleDays))
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
      coalesce(jsonb_agg(distinct jsonb_build_object('url', tasks.repository_url,
        'canonicalUrl', repositories.canonical_url)) filter (where tasks.id is not null), '[]') as repositories
    from workspaces
    left join tasks on tasks.workspace_id = workspaces.id
    left join repositories on repositories.id = tasks.repository_id
    where workspaces.id = any(${[...ids]}::uuid[])
    group by workspaces.id order by workspaces.id`.execute(database.kysely);
  return result.rows;
}

export type LettingGo = {
  readonly workspaceId: string;
  readonly workerId: string;
  /**
   * A number: the tree that counts is this worker's, and goes when it was not used for so many days.
   * Undefined: another tree counts, or none does, and this worker's is a leftover.
   */
  readonly idleDays: number | undefined;
};

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
      .select('id')
      .where('id', '=', going.workspaceId)
      .where((where) =>
        going.idleDays === undefined
          ? where('worker_id', 'is distinct from', going.workerId)
          : where.and([
              where('worker_id', '=', going.workerId),
              where('used_at', '<', daysAgo(going.idleDays)),
            ]),
      )
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    if (locked === undefined || (await isInUse(tx, going.workspaceId))) return false;
    await discard();
    await tx
      .updateTable('workspaces')
      .set({ worker_id: null })
      .where('id', '=', going.workspaceId)
      .where('worker_id', '=', going.workerId)
      .execute();
    return true;
  });
}

/** Nobody's tree counts any more: the run that is at work there makes a new one. */
export async function forgetTree(database: Database, workspaceId: string): Promise<void> {
  await database.statement(
    { name: 'forget-tree', text: 'update workspaces set worker_id = null where id = $1' },
    [workspaceId],
  );
}

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
    .limit(1)
    .executeTakeFirst();
  return effect !== undefined;
}

function daysAgo(days: number) {
  return sql<Date>`now() - make_interval(days => ${days})`;
}
