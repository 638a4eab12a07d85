import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import { silentLogger } from '../../src/lib/logger.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { createWakeups, type Wake, type Wakeups } from '../../src/store/wakeups.ts';
import { openTestDatabase } from '../support/database.ts';
import { until } from '../support/processes.ts';

type Side = { readonly database: Database; readonly wakeups: Wakeups; readonly heard: Wake[] };

/** Two processes' worth of wake-ups over one database, both listening. */
async function makeSides(t: TestContext): Promise<readonly [Side, Side]> {
  const { database, address, remove } = await openTestDatabase();
  const other = openDatabase(address, 3, silentLogger);
  const stop = new AbortController();
  const sides = [database, other].map((own, index) => {
    const wakeups = createWakeups(own, `process ${index}`, silentLogger);
    const heard: Wake[] = [];
    wakeups.listen((wake) => heard.push(wake));
    return { database: own, wakeups, heard };
  });
  const loops = sides.map((side) => side.wakeups.run(stop.signal));
  t.after(async () => {
    stop.abort();
    await Promise.all(loops);
    await other.close();
    await remove();
  });
  await until('both to listen', async () => (await listeners(database)) === 2);
  const [a, b] = sides;
  assert.ok(a && b);
  return [a, b];
}

async function listeners(database: Database): Promise<number> {
  const result = await sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and query = 'listen slipway'`.execute(database.kysely);
  return result.rows[0]?.count ?? 0;
}

test('who waits in the same process is told at once, who waits in another a moment later, each once', async (t) => {
  const [a, b] = await makeSides(t);
  a.wakeups.wake('run', 'id-1');
  assert.deepEqual(a.heard, [{ topic: 'run', id: 'id-1' }]);
  await until('the other process', () => b.heard.length > 0);
  b.wakeups.wake('stream', 'id-2');
  await until('the way back', () => a.heard.length > 1);
  assert.deepEqual(a.heard, [
    { topic: 'run', id: 'id-1' },
    { topic: 'stream', id: 'id-2' },
  ]);
  assert.deepEqual(b.heard, a.heard);
});

test('a thousand wakes for the same thing are one notification, and many things travel together', async (t) => {
  const [a, b] = await makeSides(t);
  for (let index = 0; index < 1_000; index += 1) a.wakeups.wake('stream', 'one');
  for (let index = 0; index < 250; index += 1) a.wakeups.wake('stream', crypto.randomUUID());
  a.wakeups.wake('cancel', 'last');
  await until('the last of them', () => b.heard.some((wake) => wake.id === 'last'));
  assert.equal(b.heard.filter((wake) => wake.id === 'one').length, 1);
  assert.equal(b.heard.length, 252);
});

test('a listener whose connection broke listens again', async (t) => {
  const [a, b] = await makeSides(t);
  const lost = await sql<{ pid: number }>`
    select pid from pg_stat_activity where datname = current_database() and query = 'listen slipway'`.execute(
    a.database.kysely,
  );
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query = 'listen slipway'`.execute(a.database.kysely);
  const old = lost.rows.map((row) => row.pid);
  await until('new connections', async () => {
    const now = await sql<{ count: number }>`
      select count(*)::int as count from pg_stat_activity
      where datname = current_database() and query = 'listen slipway' and pid <> all(${old}::int[])`.execute(
      a.database.kysely,
    );
    return now.rows[0]?.count === 2;
  });
  a.wakeups.wake('effect', 'again');
  await until('a wake after the break', () => b.heard.some((wake) => wake.id === 'again'));
});

test('what is no wake-up of ours wakes nobody', async (t) => {
  const [a, b] = await makeSides(t);
  const payloads = [
    '',
    'no json',
    '{}',
    '[]',
    '["x","run"]',
    '["x",["run"]]',
    '["x",["nothing","id"]]',
    '["x",["run",5]]',
  ];
  for (const payload of payloads)
    await sql`select pg_notify('slipway', ${payload})`.execute(a.database.kysely);
  a.wakeups.wake('run', 'real');
  await until('the real one', () => b.heard.length > 0);
  assert.deepEqual(b.heard, [{ topic: 'run', id: 'real' }]);
});

test('who does not listen any more hears nothing', async (t) => {
  const [a] = await makeSides(t);
  const heard: Wake[] = [];
  const unlisten = a.wakeups.listen((wake) => heard.push(wake));
  a.wakeups.wake('run', '1');
  unlisten();
  a.wakeups.wake('run', '2');
  assert.deepEqual(heard, [{ topic: 'run', id: '1' }]);
});
