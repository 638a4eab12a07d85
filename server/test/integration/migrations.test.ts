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
  return { folder, names, run, count };
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
