import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { setUpUid, serverUid } from './account.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { PostgresError } from './postgres-error.ts';
import { isRoot, makePlace } from '../../test/support/postgres-place.ts';
import { silentLogger } from '../lib/logger.ts';

const needsRoot = 'this needs root, to act as two users';

test('the first start makes a durable, private cluster and the second one finds its rows', async (t) => {
  const place = await makePlace(t);
  const began = performance.now();
  const first = await place.start();
  t.diagnostic(`first start: ${Math.round(performance.now() - began)} ms`);
  const pool = place.connect(first.connection);
  await pool.query('create table kept (id int)');
  await pool.query('insert into kept values (7)');
  const settings = await pool.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name in ('fsync','full_page_writes','synchronous_commit','listen_addresses','server_encoding')`,
  );
  assert.deepEqual(Object.fromEntries(settings.rows.map((row) => [row.name, row.setting])), {
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    listen_addresses: '',
    server_encoding: 'UTF8',
  });
  const text = await pool.query(`select lower('ÄB') as lower, 'a' > 'B' as by_code_point`);
  assert.deepEqual(text.rows, [{ lower: 'äb', by_code_point: true }]);
  await first.stop();
  assert.deepEqual(await place.processIds(), []);

  const again = performance.now();
  const second = await place.start();
  t.diagnostic(`second start: ${Math.round(performance.now() - again)} ms`);
  assert.deepEqual((await place.connect(second.connection).query('select id from kept')).rows, [{ id: 7 }]);
  assert.deepEqual(second.connection, first.connection);
});

test('data and socket are closed to everybody but the user of PostgreSQL, which is not root', async (t) => {
  const place = await makePlace(t);
  const { connection } = await place.start();
  const uid = isRoot ? serverUid : process.geteuid?.();
  for (const folder of [place.cluster, connection.host]) {
    const found = await stat(folder);
    assert.deepEqual([found.mode & 0o777, found.uid], [0o700, uid], folder);
  }
  for (const pid of await place.processIds()) assert.equal((await stat(`/proc/${pid}`)).uid, uid);
});

test('an ordinary user runs it as itself', async (t) => {
  if (!isRoot) {
    t.skip('all other tests show it when they do not run as root');
    return;
  }
  const place = await makePlace(t);
  const { child, first } = await place.launch({ uid: setUpUid });
  assert.equal(first.error, undefined);
  assert.equal((await stat(place.cluster)).uid, setUpUid);
  const pids = await place.processIds();
  assert.ok(pids.length > 0);
  for (const pid of pids) assert.equal((await stat(`/proc/${pid}`)).uid, setUpUid);
  child.kill('SIGTERM');
  await once(child, 'exit');
  assert.deepEqual(await place.processIds(), []);

  await t.test('and root opens its data afterwards, leaving the owner', async () => {
    await place.start();
    assert.equal((await stat(place.cluster)).uid, setUpUid);
  });
});

test('a second server on the data folder is refused, and the first one is named', async (t) => {
  const place = await makePlace(t);
  const { child } = await place.launch();
  await assert.rejects(place.start(), new RegExp(`in use by another server: process ${child.pid}\\b`));
});

test('stopping twice and at the same time is stopping once', async (t) => {
  const place = await makePlace(t);
  const server = await place.start();
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
  assert.deepEqual(await place.processIds(), []);
});

test('aborting the first start leaves no process and nothing half-made', async (t) => {
  const place = await makePlace(t);
  await place.start().then((server) => server.stop());
  for (const afterMs of [30, 250, 600]) {
    await rm(place.cluster, { recursive: true, force: true });
    const reason = new Error('enough');
    const abort = new AbortController();
    const starting = place.start({ signal: abort.signal });
    setTimeout(() => abort.abort(reason), afterMs);
    await assert.rejects(starting, reason);
    assert.deepEqual(await place.processIds(), []);
    assert.deepEqual(
      (await readdir(place.dataFolder)).filter((name) => name.includes('.new-')),
      [],
    );
  }
  await place.start();
});

test('aborting later ends the supervision only: the server is up until it is stopped', async (t) => {
  const place = await makePlace(t);
  const abort = new AbortController();
  const server = await place.start({ signal: abort.signal });
  abort.abort();
  await place.connect(server.connection).query('select 1');
  await server.stop();
  assert.deepEqual(await place.processIds(), []);
});

test('data of another major version is refused with both versions and a way on', async (t) => {
  const place = await makePlace(t);
  await place.start().then((server) => server.stop());
  await writeFile(join(place.cluster, 'PG_VERSION'), '17\n');
  await assert.rejects(place.start(), (error: Error) => {
    assert.ok(error instanceof PostgresError);
    assert.match(error.message, /is of PostgreSQL 17, this version of Slipway brings 18 \(18\.\d+\)/);
    assert.match(error.message, /DATABASE_URL/);
    return true;
  });
});

test('a folder of something else is not taken for a cluster', async (t) => {
  const place = await makePlace(t);
  await mkdir(place.cluster, { recursive: true });
  await writeFile(join(place.cluster, 'notes.txt'), 'mine');
  await chmod(place.dataFolder, 0o711);
  await assert.rejects(place.start(), /holds files but no PostgreSQL data/);
  assert.equal(await readFile(join(place.cluster, 'notes.txt'), 'utf8'), 'mine');
});

test('a start that fails shows the end of the log', async (t) => {
  const place = await makePlace(t);
  await place.start().then((server) => server.stop());
  await writeFile(join(place.cluster, 'postgresql.auto.conf'), 'bogus_setting = 1\n');
  await assert.rejects(place.start(), (error: Error) => {
    assert.ok(error instanceof PostgresError);
    assert.match(error.message, /unrecognized configuration parameter "bogus_setting"/);
    assert.ok(error.message.includes(join(place.dataFolder, 'postgres.log')));
    return true;
  });
  assert.deepEqual(await place.processIds(), []);
});

test('a data folder that cannot be written is named', async (t) => {
  const place = await makePlace(t);
  if (isRoot) {
    await mkdir(place.dataFolder);
    await chmod(place.dataFolder, 0o755);
    const { first } = await place.launch({ uid: setUpUid });
    assert.match(first.error ?? '', /^PostgresError: .*data cannot be written \(EACCES\)/);
  } else {
    await mkdir(place.dataFolder, { mode: 0o500 });
    await assert.rejects(place.start(), /data cannot be written \(EACCES\)/);
  }
});

test('a folder above the data that closes it to the user of PostgreSQL is named with the remedy', async (t) => {
  if (!isRoot) {
    t.skip(needsRoot);
    return;
  }
  const place = await makePlace(t);
  await chmod(place.folder, 0o700);
  await assert.rejects(place.start(), (error: Error) => {
    assert.ok(error instanceof PostgresError);
    assert.ok(error.message.includes(`\`chmod o+x ${place.folder}\``), error.message);
    return true;
  });
});

test('a socket path that the kernel would not take is refused', async (t) => {
  const place = await makePlace(t);
  const socketFolder = join(place.folder, 'x'.repeat(100));
  const { dataFolder } = place;
  const signal = new AbortController().signal;
  await assert.rejects(
    startEmbeddedPostgres({ dataFolder, socketFolder, logger: silentLogger, signal }),
    /longer than \d+ bytes/,
  );
});

test('a socket folder that somebody else could exchange is refused', async (t) => {
  const place = await makePlace(t);
  await mkdir(place.socketFolder);
  await chmod(place.socketFolder, 0o777);
  await assert.rejects(place.start(), /Other users may change/);
  if (!isRoot) return;
  await chmod(place.socketFolder, 0o1777);
  await mkdir(join(place.socketFolder, 'postgres'));
  await chown(join(place.socketFolder, 'postgres'), 12_345, 12_345);
  await assert.rejects(place.start(), /belongs to someone else/);
});
