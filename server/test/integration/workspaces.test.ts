import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { TaskState } from '../../src/domain/task-state.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { insertTask } from '../../src/store/create-task.ts';
import { findTreeOwners } from '../../src/store/idle-workspaces.ts';
import { ensureRepository, ensureWorker } from '../../src/store/owners.ts';
import { findSharedWorkspace } from '../../src/store/shared-workspace.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import {
  deleteWorkspace,
  keepWorkspaceSize,
  readWorkspacePage,
  sumWorkspaces,
} from '../../src/store/workspaces.ts';
import { mindWorkspaces } from '../../src/worker/mind-workspaces.ts';
import {
  cleaningOf,
  followUp,
  hasTree,
  makeEndedTask,
  makeFailedTask,
  makeHouse,
  makeTask,
  moveElsewhere,
  ownerOf,
  someoneWaits,
  type House,
  type Made,
} from '../support/house.ts';
import { until } from '../support/processes.ts';
import { claimNext, newTask, start } from '../support/stored-tasks.ts';

const needed: readonly TaskState[] = ['cloning', 'running', 'reviewing', 'creating_pr'];

/** The ways of a task's state machine from its beginning. */
const ways: Partial<Record<TaskState, readonly TaskState[]>> = {
  failed: ['failed'],
  cancelled: ['cancelled'],
  completed: ['cloning', 'running', 'completed'],
  reviewing: ['cloning', 'running', 'completed', 'reviewing'],
  creating_pr: ['cloning', 'running', 'completed', 'creating_pr'],
};

async function moveTask({ database }: House, { taskId }: Made, state: TaskState): Promise<void> {
  const isOver = state === 'completed' || state === 'failed' || state === 'cancelled';
  for (const next of ways[state] ?? []) {
    await database.kysely
      .updateTable('tasks')
      .set({
        state: next,
        ...(isOver && next === state ? { deadline_at: null, finished_at: sql`now()` } : {}),
      })
      .where('id', '=', taskId)
      .execute();
  }
}

/** A finished task whose workspace was begun, with its work kept. */
async function makeDoneTask(house: House): Promise<Made> {
  const made = await makeEndedTask(house, 1);
  await moveTask(house, made, 'completed');
  await house.database.kysely
    .updateTable('workspaces')
    .set({ base_branch: 'main', base_commit: 'b'.repeat(40), head_commit: 'c'.repeat(40) })
    .where('id', '=', made.workspaceId)
    .execute();
  return made;
}

/** Another task in the same workspace, as `config.workspace_task_id` makes it. */
async function shareWorkspace(house: House, { workspaceId }: Made): Promise<string> {
  const { database, ownerId, canonical } = house;
  const repositoryId = await ensureRepository(database, systemIds, canonical);
  const task = newTask({ ownerId, repositoryId }, { workspaceId, sharesWorkspace: true });
  assert.ok(await insertTask(database, task));
  return task.taskId;
}

test('workspaces with a folder are listed, newest first, by their newest task, to whom they belong', async (t) => {
  const house = await makeHouse(t);
  const { database } = house;
  const viewer = { userId: house.ownerId, isAdmin: false };
  const [first, second] = [await makeDoneTask(house), await makeDoneTask(house)];
  const waiting = await makeTask(house);
  const sharing = await shareWorkspace(house, first);
  for (const [made, bytes] of [
    [first, 1_000_000],
    [second, 234_567],
  ] as const) {
    const [owner] = await findTreeOwners(database, [made.workspaceId]);
    assert.ok(owner && (await keepWorkspaceSize(database, owner, bytes)));
  }
  const page = { limit: 50, offset: 0, days: 7 };
  const { rows, total, totalBytes } = await readWorkspacePage(database, viewer, page);
  assert.deepEqual(
    rows.map((row) => row.taskId),
    [second.taskId, sharing],
  );
  assert.deepEqual(
    rows.map((row) => [row.state, row.diskBytes]),
    [
      ['completed', 234_567],
      ['pending', 1_000_000],
    ],
  );
  const [newest] = rows;
  const lastUse = Date.now() - 24 * 60 * 60_000;
  assert.ok(newest && Math.abs(newest.expiresAt.getTime() - lastUse - 7 * 24 * 60 * 60_000) < 60_000);
  assert.deepEqual([total, totalBytes], [2, 1_234_567]);
  const rest = await readWorkspacePage(database, viewer, { ...page, limit: 1, offset: 1 });
  assert.deepEqual([rest.rows.length, rest.rows[0]?.taskId, rest.total], [1, sharing, 2]);
  const foreign = { userId: systemIds.ordered(), isAdmin: false };
  assert.deepEqual(await readWorkspacePage(database, foreign, page), { rows: [], total: 0, totalBytes: 0 });
  assert.equal((await readWorkspacePage(database, { ...foreign, isAdmin: true }, page)).total, 2);
  assert.deepEqual(await sumWorkspaces(database), { count: 2, bytes: 1_234_567 });
  assert.equal((await deleteWorkspace(database, waiting.taskId, needed)).kind, 'unknown');
});

test("a deleted workspace is on nobody's disk, once; what was made in it stays", async (t) => {
  const house = await makeHouse(t);
  const { database } = house;
  const made = await makeDoneTask(house);
  await moveElsewhere(house, made);
  const answer = await deleteWorkspace(database, made.taskId, needed);
  assert.deepEqual(answer, { kind: 'deleted', workspaceId: made.workspaceId });
  assert.equal(await ownerOf(house, made), null);
  assert.deepEqual(await deleteWorkspace(database, made.taskId, needed), { kind: 'unknown' });
  assert.deepEqual(await deleteWorkspace(database, systemIds.random(), needed), { kind: 'unknown' });
  const row = await database.kysely.selectFrom('workspaces').selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([row.base_commit, row.head_commit], ['b'.repeat(40), 'c'.repeat(40)]);
  const repositoryId = row.repository_id;
  const shared = { task: { id: made.taskId }, ownerId: house.ownerId, repositoryId };
  const found = await findSharedWorkspace(database, shared);
  assert.deepEqual(found, { ...found, taskId: made.taskId, workspaceId: undefined });
});

test('what lies in a folder that a worker uses no more is not its own; its first word about it changes nothing', async (t) => {
  const house = await makeHouse(t);
  const { database, workerId } = house;
  const made = await makeEndedTask(house, 1);
  const move = (workspacesFolder: string) =>
    ensureWorker(database, { id: workerId, host: 'here', version: '0', workspacesFolder });
  await move('/before');
  assert.equal(await ownerOf(house, made), workerId);
  await move('/before');
  assert.equal(await ownerOf(house, made), workerId);
  await move('/elsewhere');
  assert.equal(await ownerOf(house, made), null);
});

test('no workspace goes while any task of it is at work, is reviewed or is being published', async (t) => {
  const house = await makeHouse(t);
  for (const state of ['reviewing', 'creating_pr'] as const) {
    const made = await makeEndedTask(house);
    await moveTask(house, made, state);
    assert.deepEqual(await deleteWorkspace(house.database, made.taskId, needed), { kind: 'refused', state });
    assert.equal(await ownerOf(house, made), house.workerId);
  }
  const made = await makeDoneTask(house);
  await shareWorkspace(house, made);
  const stage = { ...house, repositoryId: '' };
  assert.ok(await claimNext(stage));
  const answer = await deleteWorkspace(house.database, made.taskId, needed);
  assert.deepEqual(answer, { kind: 'refused', state: 'cloning' });
});

test('a follow-up that is being prepared keeps its tree, though its task still awaits it', async (t) => {
  const house = await makeHouse(t);
  const made = await makeDoneTask(house);
  await followUp(made).execute(house.database.kysely);
  await house.database.kysely
    .updateTable('tasks')
    .set({ state: 'awaiting_instruction', deadline_at: sql`now() + interval '1 hour'`, finished_at: null })
    .where('id', '=', made.taskId)
    .execute();
  assert.ok(await claimNext({ ...house, repositoryId: '' }));
  const answer = await deleteWorkspace(house.database, made.taskId, needed);
  assert.deepEqual(answer, { kind: 'refused', state: 'awaiting_instruction' });
});

test('who begins in a deleted workspace makes a new tree, and has the workspace back', async (t) => {
  const house = await makeHouse(t);
  const { database } = house;
  const made = await makeDoneTask(house);
  const sharing = await shareWorkspace(house, made);
  assert.equal((await deleteWorkspace(database, made.taskId, needed)).kind, 'deleted');
  const stage = { ...house, repositoryId: '' };
  const run = await claimNext(stage);
  assert.deepEqual([run?.taskId, run?.treeWorkerId, run?.headCommit], [sharing, null, 'c'.repeat(40)]);
  assert.ok(run && (await start(stage, run)));
  const [owner] = await findTreeOwners(database, [made.workspaceId]);
  assert.deepEqual([owner?.isDeleted, owner?.isBusy], [false, true]);
});

test('a task that comes to the workspace while it is being deleted waits, and finds it gone', async (t) => {
  const house = await makeHouse(t);
  const { database } = house;
  const made = await makeDoneTask(house);
  let sharing: Promise<string> | undefined;
  await database.transaction(async (tx) => {
    await tx.selectFrom('workspaces').select('id').where('id', '=', made.workspaceId).forUpdate().execute();
    sharing = shareWorkspace(house, made);
    await someoneWaits(database);
    await tx
      .updateTable('workspaces')
      .set({ worker_id: null, expires_at: sql`now()` })
      .execute();
  });
  const run = (await sharing, await claimNext({ ...house, repositoryId: '' }));
  assert.deepEqual([run?.taskId, run?.treeWorkerId], [await sharing, null]);
});

test('a size that somebody else has overtaken is not kept', async (t) => {
  const house = await makeHouse(t);
  const made = await makeDoneTask(house);
  const [seen] = await findTreeOwners(house.database, [made.workspaceId]);
  assert.ok(seen);
  assert.equal((await deleteWorkspace(house.database, made.taskId, needed)).kind, 'deleted');
  assert.equal(await keepWorkspaceSize(house.database, seen, 1), false);
  const [now] = await findTreeOwners(house.database, [made.workspaceId]);
  assert.ok(now && (await keepWorkspaceSize(house.database, now, 1)));
  assert.equal(await keepWorkspaceSize(house.database, now, 2), false);
});

test('whoever has the folder removes a deleted workspace at once, and measures one whose run ended', async (t) => {
  const house = await makeHouse(t);
  const { database, folders } = house;
  const [gone, ended] = [await makeDoneTask(house), await makeDoneTask(house)];
  const wakeups = createWakeups(database, 'test', silentLogger);
  const stopping = new AbortController();
  const minding = mindWorkspaces({ ...cleaningOf(house), wakeups }, stopping.signal);
  t.after(async () => {
    stopping.abort();
    await minding;
  });
  wakeups.wake('workspace', ended.workspaceId);
  wakeups.wake('workspace', '../precious');
  // What a killed process left of its run.
  await mkdir(join(folders.runs, gone.workspaceId, gone.runId), { recursive: true });
  await deleteWorkspace(database, gone.taskId, needed);
  wakeups.wake('workspace', gone.workspaceId);
  const sizeOf = async (): Promise<number | null | undefined> =>
    (await findTreeOwners(database, [ended.workspaceId]))[0]?.diskBytes;
  await until('the size to be known', async () => (await sizeOf()) !== null);
  await until('the folder to be gone', () => !hasTree(house, gone));
  assert.ok(hasTree(house, ended));
});

test('a deleted workspace that is held for a moment is looked at again', async (t) => {
  const house = await makeHouse(t);
  const { database } = house;
  const made = await makeDoneTask(house);
  const wakeups = createWakeups(database, 'test', silentLogger);
  const stopping = new AbortController();
  const minding = mindWorkspaces({ ...cleaningOf(house), wakeups }, stopping.signal);
  t.after(async () => {
    stopping.abort();
    await minding;
  });
  await deleteWorkspace(database, made.taskId, needed);
  await database.transaction(async (tx) => {
    await tx.selectFrom('workspaces').select('id').forUpdate().execute();
    wakeups.wake('workspace', made.workspaceId);
    wakeups.wake('workspace', systemIds.ordered());
    await until('the loop to have looked', async () => {
      const looks = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
        where query like '%for update skip locked%' and pid <> pg_backend_pid()`.execute(database.kysely);
      return (looks.rows[0]?.count ?? 0) > 0;
    });
    assert.ok(hasTree(house, made));
  });
  await until('the folder to be gone', () => !hasTree(house, made));
});

test('room is made by the loop itself, since a database on a full disk takes no duty', async (t) => {
  const house = await makeHouse(t);
  const [made, filled] = [await makeDoneTask(house), await makeFailedTask(house, 0)];
  await mkdir(join(house.folders.runs, filled.workspaceId, filled.runId), { recursive: true });
  const wakeups = createWakeups(house.database, 'test', silentLogger);
  const stopping = new AbortController();
  const fullness = (): number => (hasTree(house, made) ? 1 : 0);
  const minding = mindWorkspaces(
    { ...cleaningOf(house), wakeups, criticalFullness: 0.9, fullness, roomEveryMs: 10 },
    stopping.signal,
  );
  t.after(async () => {
    stopping.abort();
    await minding;
  });
  await until('room to be made', () => !hasTree(house, made));
  assert.ok(hasTree(house, filled));
});
