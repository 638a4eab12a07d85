import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sql } from 'kysely';
import { parseRepositoryUrl } from '../../src/domain/repository-url.ts';
import { delay } from '../../src/lib/abort.ts';
import { systemClock, type Clock } from '../../src/lib/clock.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { insertTask } from '../../src/store/create-task.ts';
import type { Database } from '../../src/store/database.ts';
import { ensureAdministrator, ensureRepository, ensureWorker } from '../../src/store/owners.ts';
import type { WorkerFolders } from '../../src/worker/context.ts';
import { testDatabase } from './database.ts';
import { newTask } from './stored-tasks.ts';

const dayMs = 24 * 60 * 60_000;
/** For everything that waits in a test. */
export const limit = (): AbortSignal => AbortSignal.timeout(30_000);
/** Everything on disk looks two days older to who asks this clock. */
export const inTwoDays: Clock = { now: () => Date.now() + 2 * dayMs };

/** A database with one worker, and that worker's folders. */
export type House = {
  readonly database: Database;
  readonly workerId: string;
  readonly ownerId: string;
  readonly folder: string;
  readonly folders: WorkerFolders;
  readonly url: string;
  readonly canonical: string;
};

/** Everything in it goes with the test; the repository need not exist. */
export async function makeHouse(
  t: TestContext,
  repositoryUrl = 'https://forge.example/ada/project.git',
): Promise<House> {
  const database = await testDatabase(t);
  const folder = await mkdtemp(join(tmpdir(), 'slipway-house-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const folders = {
    workspaces: join(folder, 'workspaces'),
    runs: join(folder, 'runs'),
    scratch: join(folder, 'scratch'),
    sockets: join(folder, 's'),
    compileCache: join(folder, 'compile-cache'),
  };
  for (const path of Object.values(folders)) await mkdir(path);
  const workerId = systemIds.ordered();
  await ensureWorker(database, { id: workerId, host: 'here', version: '0' });
  const ownerId = await ensureAdministrator(database, systemIds);
  const { canonical } = parseRepositoryUrl(repositoryUrl, {
    allowFile: true,
    allowHttp: true,
    allowSsh: true,
  });
  return { database, workerId, ownerId, folder, folders, url: repositoryUrl, canonical };
}

/** The ids of a task, its workspace and its first run. */
export type Made = { readonly taskId: string; readonly workspaceId: string; readonly runId: string };

/** A task whose run is over, with a tree on this worker's disk that was used `daysAgo`. */
export async function makeEndedTask(house: House, daysAgo = 30): Promise<Made> {
  const made = await makeTask(house);
  await endRun(house, made.runId, daysAgo * (dayMs / 1_000));
  await house.database.kysely
    .updateTable('workspaces')
    .set({ worker_id: house.workerId, used_at: sql`now() - make_interval(days => ${daysAgo})` })
    .where('id', '=', made.workspaceId)
    .execute();
  await makeTree(house, made.workspaceId);
  return made;
}

/** The same after a run that ended badly: no run goes on in its tree. */
export async function makeFailedTask(house: House, daysAgo: number): Promise<Made> {
  const made = await makeTask(house);
  await endRun(house, made.runId, daysAgo * (dayMs / 1_000));
  await house.database.kysely
    .updateTable('workspaces')
    .set({ used_at: sql`now() - make_interval(days => ${daysAgo})` })
    .where('id', '=', made.workspaceId)
    .execute();
  await makeTree(house, made.workspaceId);
  return made;
}

/** The tree that counts is on another worker's disk. */
export async function moveElsewhere({ database }: House, { workspaceId }: Made): Promise<void> {
  const other = systemIds.ordered();
  await ensureWorker(database, { id: other, host: 'there', version: '0' });
  await database.kysely
    .updateTable('workspaces')
    .set({ worker_id: other })
    .where('id', '=', workspaceId)
    .execute();
}

/** A task with its first run queued, as the service makes it. */
export async function makeTask(house: House): Promise<Made> {
  const { database, ownerId, url, canonical } = house;
  const made = { taskId: systemIds.random(), workspaceId: systemIds.ordered(), runId: systemIds.ordered() };
  const repositoryId = await ensureRepository(database, systemIds, canonical);
  const created = await insertTask(
    database,
    newTask({ ownerId, repositoryId }, { ...made, repositoryUrl: url }),
  );
  assert.ok(created);
  return made;
}

/** What a worker leaves on its disk for a workspace. */
export async function makeTree({ folders }: House, workspaceId: string): Promise<void> {
  await mkdir(join(folders.workspaces, workspaceId, 'tree/src'), { recursive: true });
  await writeFile(join(folders.workspaces, workspaceId, 'tree/src/file'), 'work');
}

/** Ends a queued run. */
export async function endRun({ database }: House, runId: string, secondsAgo = 3_600): Promise<void> {
  await database.kysely
    .updateTable('runs')
    .set({
      state: 'cancelled',
      ended_at: sql`now() - make_interval(secs => ${secondsAgo})`,
      deadline_at: null,
    })
    .where('id', '=', runId)
    .execute();
}

/** What a follow-up is to the database: one more run of the workspace. */
export const followUp = (made: Made) => sql`
  insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, cause, prompt,
    queue, state, deadline_at, time_left_ms, agent)
  select ${systemIds.ordered()}, task_id, owner_id, repository_id, workspace_id, kind, 2, 1, 'follow_up', 'more',
    'tasks', 'queued', now() + interval '1 hour', 1000, agent
  from runs where id = ${made.runId}`;

/** Mirrors of a worker that has none. */
export const noMirrors = {
  find: () => undefined,
  unkeep: async () => undefined,
  fetchPullRequest: () => Promise.reject(new Error('not asked for')),
  refresh: () => Promise.reject(new Error('not asked for')),
  keep: () => Promise.reject(new Error('not asked for')),
  trim: async () => undefined,
};

/** What the cleaning duties of this worker need. */
export function cleaningOf(house: House, more: { readonly clock?: Clock } = {}) {
  const { database, workerId, folders } = house;
  return {
    database,
    workerId,
    folders,
    mirrors: noMirrors,
    ids: systemIds,
    logger: silentLogger,
    workspaceDays: 7,
    keepLeftover: () => Promise.resolve('nothing' as const),
    maxBytes: Infinity,
    warningFullness: 1,
    criticalFullness: 1,
    fullness: () => 0,
    clock: more.clock ?? systemClock,
  };
}

/** Whose disk the row says the tree is on. */
export async function ownerOf(
  { database }: House,
  { workspaceId }: Made,
): Promise<string | null | undefined> {
  const query = database.kysely.selectFrom('workspaces').select('worker_id').where('id', '=', workspaceId);
  return (await query.executeTakeFirst())?.worker_id;
}

/** Whether the workspace's folder is there. */
export const hasTree = ({ folders }: House, { workspaceId }: Made): boolean =>
  existsSync(join(folders.workspaces, workspaceId));

/** Resolves when some statement waits for a lock in this database. */
export async function someoneWaits(database: Database): Promise<void> {
  for (;;) {
    const waiting =
      await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        database.kysely,
      );
    if (waiting.rows.length > 0) return;
    await delay(5, limit());
  }
}
