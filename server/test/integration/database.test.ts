import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import { silentLogger } from '../../src/lib/logger.ts';
import { isDatabaseAway, openDatabase, type Database } from '../../src/store/database.ts';
import { testDatabase } from '../support/database.ts';

const backendPid = `select pg_backend_pid() as pid`;

/** Until the client's connection is over; `once` would reject with the error that comes first. */
function ended(client: PoolClient): Promise<void> {
  return new Promise((resolve) => client.once('end', resolve));
}

/** Ends one connection of the database from another, as a crash or an administrator would. */
async function terminate(database: Database, pid: number): Promise<void> {
  const client = await database.connect(() => undefined);
  try {
    await client.query('select pg_terminate_backend($1)', [pid]);
  } finally {
    await client.end();
  }
}

test('a connection that breaks within a transaction ends the transaction, not the process', async (t) => {
  const database = await testDatabase(t);
  const hot = database.hotTransaction(async (client) => {
    const { rows } = await client.query<{ pid: number }>(backendPid);
    // Nothing is under way on this connection while it breaks: nobody but a listener hears of it.
    const gone = ended(client);
    await terminate(database, rows[0]?.pid ?? 0);
    await gone;
    await client.query('select 1');
  });
  await assert.rejects(hot, isDatabaseAway);
  const built = database.transaction(async (tx) => {
    const { rows } = await sql<{ pid: number }>`${sql.raw(backendPid)}`.execute(tx);
    await terminate(database, rows[0]?.pid ?? 0);
    await sql`select pg_sleep(0.1)`.execute(tx);
  });
  await assert.rejects(built, isDatabaseAway);
  assert.equal((await sql<{ one: number }>`select 1 as one`.execute(database.kysely)).rows[0]?.one, 1);
});

test('a transaction that throws is rolled back, and its connection serves the next', async (t) => {
  const database = await testDatabase(t, 1);
  const insert = "insert into duties (name) values ('x')";
  await assert.rejects(
    database.hotTransaction(async (client) => {
      await client.query(insert);
      throw new Error('no');
    }),
    /^Error: no$/u,
  );
  await assert.rejects(
    database.hotTransaction((client) => client.query('no sql')),
    /syntax error/u,
  );
  assert.equal((await database.kysely.selectFrom('duties').select('name').execute()).length, 0);
  await database.hotTransaction((client) => client.query(insert));
  assert.equal((await database.kysely.selectFrom('duties').select('name').execute()).length, 1);
});

test('big numbers of the database are numbers', async (t) => {
  const database = await testDatabase(t);
  const rows = await database.statement<{ n: unknown }>(
    { name: 'n', text: 'select 9007199254740991::bigint as n' },
    [],
  );
  assert.equal(rows[0]?.n, 9_007_199_254_740_991);
});

test('connections end what takes too long, and what is frozen in a transaction', async (t) => {
  const database = await testDatabase(t);
  const limits = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings
    where name in ('statement_timeout', 'idle_in_transaction_session_timeout') order by name`.execute(
    database.kysely,
  );
  assert.deepEqual(limits.rows, [
    { name: 'idle_in_transaction_session_timeout', setting: '30000' },
    { name: 'statement_timeout', setting: '30000' },
  ]);
});

test('a statement that the server ended for its length counts as a database that stood still', async (t) => {
  const database = await testDatabase(t);
  const slow = database.hotTransaction(async (client) => {
    await client.query('set local statement_timeout = 20');
    await client.query('select pg_sleep(10)');
  });
  await assert.rejects(slow, isDatabaseAway);
  const frozen = database.hotTransaction(async (client) => {
    await client.query('set local idle_in_transaction_session_timeout = 20');
    await ended(client);
    await client.query('select 1');
  });
  await assert.rejects(frozen, isDatabaseAway);
});

test('where nobody listens, and where somebody listens who is no PostgreSQL, the database is away', async (t) => {
  const open = (port: number): Database => {
    const database = openDatabase({ host: '127.0.0.1', port, user: 'x', database: 'x' }, 1, silentLogger);
    t.after(() => database.close());
    return database;
  };
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const ask = (database: Database) => database.statement({ name: 'one', text: 'select 1' }, []);
  await assert.rejects(ask(open(port)), isDatabaseAway);
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(ask(open(port)), isDatabaseAway);
});
