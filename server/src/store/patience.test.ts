import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { open } from 'node:fs/promises';
import { once } from 'node:events';
import { test } from 'node:test';
import { isDatabaseAway } from './database.ts';
import { withPatience } from './patience.ts';

const away = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });

test('work is done again until the database is back', async () => {
  let tries = 0;
  const result = await withPatience(AbortSignal.timeout(10_000), async () => {
    tries += 1;
    if (tries < 3) throw away;
    return 'done';
  });
  assert.equal(result, 'done');
  assert.equal(tries, 3);
});

test('patience ends with the signal, by its reason', async () => {
  const reason = new Error('the run was stopped');
  const stop = new AbortController();
  const waiting = withPatience(stop.signal, () => Promise.reject(away));
  stop.abort(reason);
  await assert.rejects(waiting, reason);
});

test('an error of ours is no reason to wait', async () => {
  const ours = Object.assign(new Error('duplicate key'), { code: '23505' });
  await assert.rejects(
    withPatience(AbortSignal.timeout(10_000), () => Promise.reject(ours)),
    ours,
  );
});

test('a database that is away is told from a statement that is wrong', async () => {
  const codes = [
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    '57P01',
    '57P02',
    '57P03',
    '57014',
    '25P03',
    '53300',
    '08006',
  ];
  for (const code of codes) assert.ok(isDatabaseAway(Object.assign(new Error('x'), { code })), code);
  for (const code of ['23505', '23514', '42601', '22021', 'EACCES', 'ERR_ASSERTION']) {
    assert.ok(!isDatabaseAway(Object.assign(new Error('x'), { code })), code);
  }
  const words = [
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'Query read timeout',
    'the database system is shutting down',
  ];
  for (const text of words) assert.ok(isDatabaseAway(new Error(text)), text);
  assert.ok(!isDatabaseAway(new Error('column "x" does not exist')));
  assert.ok(!isDatabaseAway('Connection terminated'));
});

test('a socket that is gone is a database that is away, a file that is gone is not', async () => {
  const [socketError] = await once(connect('/nonexistent/.s.PGSQL.5432'), 'error').then(
    (values: unknown[]) => values,
    (error: unknown) => [error],
  );
  assert.ok(isDatabaseAway(socketError));
  const fileError: unknown = await open('/nonexistent/file').catch((error: unknown) => error);
  assert.ok(!isDatabaseAway(fileError));
});
