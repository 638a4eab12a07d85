import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import type { Pool } from 'pg';
import { findClusterProcesses } from './cluster-processes.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { socketPath } from './folders.ts';
import { isRoot, makePlace, type TestPlace } from '../../test/support/postgres-place.ts';
import { serverUid } from './account.ts';
import { delay } from '../lib/abort.ts';

const never = new AbortController().signal;

/**
 * Waits until another postmaster than `pid` answers. The pool's idle backends may answer a moment longer
 * than their postmaster lives, so an answer alone says nothing.
 */
async function untilRestarted(place: TestPlace, pool: Pool, pid: number): Promise<void> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      const next = await place.postmasterPid();
      await pool.query('select 1');
      if (next !== pid && !Number.isNaN(next)) return;
      throw new Error('not yet');
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(10, never);
    }
  }
}

test('a postmaster outlives a killed server and is adopted by the next one', async (t) => {
  const place = await makePlace(t);
  const { child, first } = await place.launch();
  assert.ok(first.connection !== undefined, first.error ?? '');
  const pool = place.connect(first.connection);
  await pool.query('create table kept (id int)');
  const pid = await place.postmasterPid();
  child.kill('SIGKILL');
  await once(child, 'exit');
  await pool.query('insert into kept values (1)');

  const began = performance.now();
  const next = await place.start();
  t.diagnostic(`adoption: ${Math.round(performance.now() - began)} ms`);
  assert.equal(await place.postmasterPid(), pid);
  assert.deepEqual(place.messages, ['Adopted the PostgreSQL that was running.']);
  await pool.query('insert into kept values (2)');

  await t.test('and restarted when it dies, and ended by stop', async () => {
    process.kill(pid, 'SIGKILL');
    await untilRestarted(place, pool, pid);
    const found = await pool.query('select id from kept order by id');
    assert.deepEqual(found.rows, [{ id: 1 }, { id: 2 }]);
    await next.stop();
    assert.deepEqual(await place.processIds(), []);
  });
});

test('a postmaster killed under load is restarted each time and every acknowledged row is found', async (t) => {
  const place = await makePlace(t);
  const { connection } = await place.start();
  const pool = place.connect(connection);
  await pool.query('create table work (id int primary key)');
  const acknowledged = new Set<number>();
  const end = new AbortController();
  const restarts = () => place.messages.filter((message) => message === 'Restarted PostgreSQL.').length;
  let next = 0;
  const insert = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const id = (next += 1);
      await pool.query('insert into work values ($1)', [id]).then(
        () => acknowledged.add(id),
        () => delay(5, never),
      );
    }
  };
  const inserting = Promise.all([insert(), insert(), insert()]);
  for (let round = 1; round <= 3; round += 1) {
    const target = acknowledged.size + 100;
    while (acknowledged.size < target) await delay(5, never);
    const began = performance.now();
    const pid = await place.postmasterPid();
    process.kill(pid, 'SIGKILL');
    await untilRestarted(place, pool, pid);
    t.diagnostic(`round ${round}: answering again after ${Math.round(performance.now() - began)} ms`);
    // Said only after the supervisor's own question, which a client's may overtake: killed before that, it
    // would be one restart for two deaths.
    const deadline = performance.now() + 5_000;
    while (restarts() < round && performance.now() < deadline) await delay(5, never);
    assert.equal(restarts(), round);
  }
  end.abort();
  await inserting;
  const found = await pool.query<{ id: number }>('select id from work');
  const ids = new Set(found.rows.map((row) => row.id));
  assert.deepEqual(
    [...acknowledged].filter((id) => !ids.has(id)),
    [],
  );
  t.diagnostic(`${acknowledged.size} acknowledged, ${ids.size} found`);
});

test('a busy backend that outlived its postmaster does not hold up the restart', async (t) => {
  const place = await makePlace(t);
  const { connection } = await place.start();
  const pool = place.connect(connection);
  const busy = pool.query('do $$ begin loop end loop; end $$');
  const lost = assert.rejects(busy);
  const counting = `select count(*)::int as n from pg_stat_activity where query like 'do $$%' and state = 'active'`;
  while ((await pool.query<{ n: number }>(counting)).rows[0]?.n !== 1) await delay(10, never);
  const began = performance.now();
  const pid = await place.postmasterPid();
  process.kill(pid, 'SIGKILL');
  await lost;
  await untilRestarted(place, pool, pid);
  const tookMs = performance.now() - began;
  t.diagnostic(`answering again after ${Math.round(tookMs)} ms`);
  assert.ok(tookMs < 10_000, `took ${tookMs} ms`);
  assert.ok(place.messages.includes('Ended what was left of a dead PostgreSQL.'));
});

test('what a killed server and its killed postmaster left is ended before the next start', async (t) => {
  const place = await makePlace(t);
  const { child, first } = await place.launch();
  assert.ok(first.connection !== undefined, first.error ?? '');
  const pool = place.connect(first.connection);
  const lost = assert.rejects(pool.query('do $$ begin loop end loop; end $$'));
  await pool.query('select pg_sleep(0.2)');
  child.kill('SIGKILL');
  await once(child, 'exit');
  process.kill(await place.postmasterPid(), 'SIGKILL');
  const server = await place.start();
  await lost;
  await place.connect(server.connection).query('select 1');
});

test('a program that only stands in the cluster is left alone', async (t) => {
  const place = await makePlace(t);
  const { connection } = await place.start();
  const visitor = spawn('sleep', ['60'], { cwd: place.cluster, stdio: 'ignore' });
  t.after(() => visitor.kill('SIGKILL'));
  await once(visitor, 'spawn');
  const pid = await place.postmasterPid();
  process.kill(pid, 'SIGKILL');
  await untilRestarted(place, place.connect(connection), pid);
  assert.equal(visitor.exitCode ?? visitor.signalCode, null);
});

test('lock files that name another living process of the same user do not prevent a start', async (t) => {
  const place = await makePlace(t);
  const first = await place.start();
  await first.stop();
  const user = isRoot ? { uid: serverUid, gid: serverUid } : {};
  const stranger = spawn('sleep', ['60'], { cwd: '/', stdio: 'ignore', ...user });
  t.after(() => stranger.kill('SIGKILL'));
  await once(stranger, 'spawn');
  const socket = socketPath(first.connection.host);
  const lines = [stranger.pid, place.cluster, 1, 5432, first.connection.host, '', '', 'ready', ''];
  await writeFile(join(place.cluster, 'postmaster.pid'), lines.join('\n'));
  await writeFile(`${socket}.lock`, lines.join('\n'));
  await writeFile(socket, '');
  await place.start();
  assert.equal(stranger.exitCode ?? stranger.signalCode, null);
});

test('a postmaster that listens in another socket folder is exchanged', async (t) => {
  const place = await makePlace(t);
  const { child } = await place.launch();
  const pid = await place.postmasterPid();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const elsewhere = { ...place, socketFolder: join(place.folder, 'elsewhere') };
  const server = await startEmbeddedPostgres({ ...elsewhere, signal: never });
  try {
    await place.connect(server.connection).query('select 1');
    assert.notEqual(await place.postmasterPid(), pid);
  } finally {
    await server.stop();
  }
});

test('a server killed while it makes the cluster leaves nothing that the next start minds', async (t) => {
  const place = await makePlace(t);
  const launching = place.launch();
  const isDraft = (name: string): boolean => name.startsWith('postgres.new-');
  while (!(await readdir(place.dataFolder).catch(() => [])).some(isDraft)) await delay(5, never);
  await delay(150, never);
  const { pid } = JSON.parse(await readFile(join(place.dataFolder, 'server.holder'), 'utf8')) as {
    pid: number;
  };
  process.kill(pid, 'SIGKILL');
  await Promise.race([launching.catch(() => undefined), delay(500, never)]);
  const server = await place.start();
  await place.connect(server.connection).query('select 1');
});

test('leftovers are found without the right to look at other users’ processes', async (t) => {
  const drop = ['--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace'];
  if (!isRoot || spawnSync('setpriv', [...drop, 'true']).status !== 0) {
    t.skip('this needs root and setpriv');
    return;
  }
  const place = await makePlace(t);
  await place.start();
  const source = `
    const { findClusterProcesses } = await import(process.argv[1]);
    const cluster = { folder: process.argv[2], uid: Number(process.argv[3]) };
    console.log(JSON.stringify(await findClusterProcesses(cluster, new AbortController().signal)));`;
  const module = new URL('./cluster-processes.ts', import.meta.url).href;
  const node = [
    process.execPath,
    '--input-type=module',
    '-e',
    source,
    '--',
    module,
    place.cluster,
    String(serverUid),
  ];
  const result = spawnSync('setpriv', [...drop, ...node], { encoding: 'utf8' });
  const found = JSON.parse(result.stdout) as { pid: number }[];
  const all = await findClusterProcesses({ folder: place.cluster, uid: serverUid }, never);
  assert.ok(all.length > 3);
  const order = (list: readonly { pid: number }[]) => list.map((one) => one.pid).sort((a, b) => a - b);
  assert.deepEqual(order(found), order(all));
});
