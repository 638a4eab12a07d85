import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { Database } from '../../src/store/database.ts';
import { spendRateLimit } from '../../src/store/rate-limits.ts';
import { testDatabase } from '../support/database.ts';

/** Lets time pass for one key. */
async function wait(database: Database, key: string, seconds: number): Promise<void> {
  await sql`update rate_limits set full_at = full_at - make_interval(secs => ${seconds}) where key = ${key}`.execute(
    database.kysely,
  );
}

/** How many of `count` requests at the same moment are let in. */
async function letIn(database: Database, key: string, perMinute: number, count: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => spendRateLimit(database, key, perMinute)),
  );
  return answers.filter((answer) => answer === undefined).length;
}

test('of many requests at once exactly so many are let in as a minute allows', async (t) => {
  const database = await testDatabase(t, 16);
  for (const perMinute of [1, 7, 10, 60]) {
    assert.equal(await letIn(database, `key ${perMinute}`, perMinute, perMinute + 30), perMinute);
  }
});

test('the room comes back evenly, and never more than a minute of it', async (t) => {
  const database = await testDatabase(t);
  assert.equal(await letIn(database, 'key', 10, 20), 10);
  await wait(database, 'key', 6.1);
  assert.equal(await letIn(database, 'key', 10, 5), 1);
  await wait(database, 'key', 18.1);
  assert.equal(await letIn(database, 'key', 10, 9), 3);
  await wait(database, 'key', 10_000);
  assert.equal(await letIn(database, 'key', 10, 20), 10);
});

test('who is refused is told when it is worth trying again, and then is let in', async (t) => {
  const database = await testDatabase(t);
  await letIn(database, 'key', 10, 10);
  const seconds = await spendRateLimit(database, 'key', 10);
  assert.ok(seconds !== undefined && seconds >= 5 && seconds <= 6, String(seconds));
  await wait(database, 'key', seconds);
  assert.equal(await spendRateLimit(database, 'key', 10), undefined);
  await letIn(database, 'slow', 1, 1);
  const minute = await spendRateLimit(database, 'slow', 1);
  assert.ok(minute !== undefined && minute >= 59 && minute <= 60, String(minute));
});

test('a refusal costs nothing, and one key nothing of another', async (t) => {
  const database = await testDatabase(t);
  await letIn(database, 'key', 10, 10);
  const first = await spendRateLimit(database, 'key', 10);
  for (let index = 0; index < 20; index += 1) await spendRateLimit(database, 'key', 10);
  const last = await spendRateLimit(database, 'key', 10);
  assert.ok(first !== undefined && last !== undefined && last <= first);
  assert.equal(await spendRateLimit(database, 'another', 10), undefined);
});
