import assert from 'node:assert/strict';
import { appendFile, copyFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Client } from 'pg';
import { migrate, MigrationError, refuseOldServer } from '../../src/store/migrate.ts';
import { testDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shipped = join(import.meta.dirname, '../../migrations');

/** A migrated database, and a copy of the folder that it was migrated from. */
async function migrated(t: TestContext) {
  const database = await testDatabase(t);
  const folder = await temporaryFolder(t);
  const names = (await readdir(shipped)).sort();
  for (const name of names) await copyFile(join(shipped, name), join(folder, name));
  const connect = async (): Promise<Client> => {
    const client = await database.connect(() => undefined);
    return client;
  };
  const run = async (): Promise<readonly string[]> => {
    const client = await connect();
    try {
      return await migrate(client, folder);
    } finally {
      await client.end();
    }
  };
  const count = async (table: string): Promise<number> => {
    const client = await connect();
    try {
      const result = await client.query<{ count: number }>(`select count(*)::int from ${table}`);
      return result.rows[0]?.count ?? -1;
    } finally {
      await client.end();
    }
  };
  return { folder, names, connect, run, count };
}

test('a migrated database has nothing left to do', async (t) => {
  const { run } = await migrated(t);
  assert.deepEqual(await run(), []);
});

test('servers that start together migrate once', async (t) => {
  const { folder, run, count } = await migrated(t);
  await writeFile(
    join(folder, '9001_first.sql'),
    'create table first (id int); insert into first select 1; select pg_sleep(0.05);',
  );
  await writeFile(join(folder, '9002_second.sql'), 'insert into first select id + 1 from first;');
  const applied = await Promise.all([run(), run(), run(), run()]);
  assert.deepEqual(applied.flat().sort(), ['9001_first.sql', '9002_second.sql']);
  assert.equal(await count('first'), 2);
});

test('a migration that fails leaves nothing of itself, and is tried again', async (t) => {
  const { folder, run, count } = await migrated(t);
  const path = join(folder, '9001_broken.sql');
  await writeFile(path, 'create table half (id int); select 1/0;');
  await assert.rejects(
    run(),
    (error) => error instanceof MigrationError && /9001_broken\.sql failed/u.test(error.message),
  );
  await assert.rejects(count('half'), /does not exist/u);
  await writeFile(path, 'create table half (id int);');
  assert.deepEqual(await run(), ['9001_broken.sql']);
});

test('a file that was changed after it was applied is refused', async (t) => {
  const { folder, names, run } = await migrated(t);
  await appendFile(join(folder, names[0] ?? ''), '\n-- a word more\n');
  await assert.rejects(run(), /was changed after it was applied/u);
});

test('a database that a newer version has migrated is refused', async (t) => {
  const { folder, run } = await migrated(t);
  const path = join(folder, '9001_newer.sql');
  await writeFile(path, 'select 1;');
  await run();
  await rm(path);
  await assert.rejects(run(), /newer Slipway \(9001_newer\.sql\)/u);
});

const owner = '00000000-0000-4000-8000-000000000001';
const worker = '00000000-0000-4000-8000-000000000002';
const repository = '00000000-0000-4000-8000-000000000003';
const blob = '00000000-0000-4000-8000-000000000004';

type OldTask = {
  readonly name: string;
  readonly task: string;
  /** Its runs' states, oldest first. */
  readonly runs: readonly string[];
  readonly branch?: string;
  readonly snapshot?: boolean;
};

/** What the version before reviews could leave, as its statements wrote it: the worker is named by any run. */
const oldTasks: readonly OldTask[] = [
  { name: 'published', task: 'pr_created', runs: ['succeeded'], branch: 'codeforge/x' },
  { name: 'failed', task: 'failed', runs: ['succeeded', 'failed'] },
  { name: 'at work', task: 'running', runs: ['lost', 'running'] },
  { name: 'asks', task: 'waiting_for_user', runs: ['parked'], snapshot: true },
  { name: 'asks, unchanged', task: 'waiting_for_user', runs: ['parked'] },
  { name: 'goes on', task: 'running', runs: ['parked', 'running'], snapshot: true },
  { name: 'given up', task: 'cancelled', runs: ['parked', 'cancelled'], snapshot: true },
  { name: 'waits', task: 'pending', runs: ['queued'] },
];

async function storeOldTask(client: Client, { name, task, runs, branch, snapshot }: OldTask): Promise<void> {
  const begun = runs[0] !== 'queued';
  const {
    rows: [ids],
  } = await client.query<{ workspace: string; task: string }>(
    'select gen_random_uuid() as workspace, gen_random_uuid() as task',
  );
  assert.ok(ids);
  await client.query(
    `insert into workspaces (id, owner_id, repository_id, worker_id, session, pushed_commit, snapshot_commit, snapshot_blob_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      ids.workspace,
      owner,
      repository,
      begun ? worker : null,
      begun ? 'a conversation' : null,
      branch === undefined ? null : 'c1',
      snapshot === true ? 's1' : null,
      snapshot === true ? blob : null,
    ],
  );
  await client.query(
    `insert into tasks (id, owner_id, source, kind, repository_id, repository_url, prompt, options, publish, state,
       workspace_id, branch, trace_id, deadline_at)
     values ($1, $2, 'test', 'code', $3, 'https://forge.example/x', $4, '{}', 'manual', $5, $6, $7, 't', now())`,
    [ids.task, owner, repository, name, task, ids.workspace, branch ?? null],
  );
  for (const [at, state] of runs.entries()) {
    await client.query(
      `insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, cause, prompt,
         queue, state, holder, lease_until, deadline_at, time_left_ms, agent, started_at)
       values (gen_random_uuid(), $1, $2, $3, $4, 'code', 1, $5, 'first', 'p', 'tasks', $6, $7, now(), now(), 1, 'script',
         case when $6 <> 'queued' then now() end)`,
      [ids.task, owner, repository, ids.workspace, at + 1, state, worker],
    );
  }
}

test('what the version before reviews has left is gone on with as it stands', async (t) => {
  const { folder, names, connect, run } = await migrated(t);
  const client = await connect();
  try {
    await client.query('drop schema public cascade; create schema public');
    const newer = names.filter((name) => name >= '0004');
    for (const name of newer) await rm(join(folder, name));
    await run();
    await client.query(`insert into users (id, login, role) values ('${owner}', 'admin', 'admin');
      insert into workers (id, host, version) values ('${worker}', 'here', '0');
      insert into repositories (id, canonical_url) values ('${repository}', 'https://forge.example/x');
      insert into blobs (id, owner_id, kind, sha256, bytes) values ('${blob}', '${owner}', 'bundle', '', 0)`);
    for (const task of oldTasks) await storeOldTask(client, task);
    for (const name of newer) await copyFile(join(shipped, name), join(folder, name));
    assert.deepEqual(await run(), newer);
    const { rows } = await client.query<Readonly<Record<string, unknown>>>(
      `select tasks.prompt as name, workspaces.worker_id is not null as tree, snapshot_commit is not null as snapshot,
         session_task_id = tasks.id as session, coalesce(parked_task_id = tasks.id, false) as parked,
         tasks.pushed_commit as pushed, review_run_id as review
       from tasks join workspaces on workspaces.id = tasks.workspace_id order by tasks.number`,
    );
    const begun = { tree: false, snapshot: false, session: true, parked: false, pushed: null, review: null };
    assert.deepEqual(rows, [
      { ...begun, name: 'published', tree: true, pushed: 'c1' },
      { ...begun, name: 'failed' },
      { ...begun, name: 'at work' },
      { ...begun, name: 'asks', tree: true, snapshot: true, parked: true },
      { ...begun, name: 'asks, unchanged', tree: true, parked: true },
      { ...begun, name: 'goes on', snapshot: true, parked: true },
      { ...begun, name: 'given up' },
      { ...begun, name: 'waits', session: null },
    ]);
    const asides = await client.query(
      'select from runs where aside or first_attempt <> 1 or model is not null',
    );
    assert.equal(asides.rowCount, 0);
  } finally {
    await client.end();
  }
});

test('files that are no migrations are left alone', async (t) => {
  const { folder, run } = await migrated(t);
  await writeFile(join(folder, 'README.md'), 'not sql');
  await writeFile(join(folder, '9001_x.sql.orig'), 'not sql');
  assert.deepEqual(await run(), []);
});

test('the lock is given back, whether it went well or not', async (t) => {
  const { folder, run } = await migrated(t);
  await writeFile(join(folder, '9001_broken.sql'), 'no sql at all');
  await assert.rejects(run());
  await rm(join(folder, '9001_broken.sql'));
  assert.deepEqual(await run(), []);
});

test('a PostgreSQL older than 15 is refused by its number', () => {
  for (const old of [0, 90_600, 140_019]) assert.throws(() => refuseOldServer(old), MigrationError);
  assert.throws(() => refuseOldServer(140_019), /this is PostgreSQL 14; 15 or newer is needed/u);
  for (const good of [150_000, 150_014, 180_004]) refuseOldServer(good);
});
