import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { leaseEffect } from '../../src/store/effects.ts';
import { sweepRun } from '../../src/store/sweep.ts';
import { furnish, age, storeLiveRun, storeWaitingPush, type Stage } from '../support/stored-tasks.ts';
import { createLeaseKeeper, type LeaseKeeper } from '../../src/worker/lease-keeper.ts';
import { openTestDatabase } from '../support/database.ts';
import { until } from '../support/processes.ts';

/** A keeper at work; it ends before its database does. */
async function makeKeeper(
  t: TestContext,
  logger = silentLogger,
): Promise<{ readonly stage: Stage; readonly keeper: LeaseKeeper }> {
  const { database, remove } = await openTestDatabase();
  const keeper = createLeaseKeeper(database, logger);
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    await remove();
  });
  return { stage: await furnish(database), keeper };
}

/** What the keeper says about a run that is held; `let go` ends it. */
function hold(keeper: LeaseKeeper, run: { readonly runId: string; readonly generation: number }) {
  const said: string[] = [];
  const letGo = keeper.holdRun({
    runId: run.runId,
    generation: run.generation,
    onCancel: () => void said.push('cancel'),
    onLost: () => void said.push('lost'),
  });
  return { said, letGo };
}

async function isFresh({ database }: Stage, table: 'runs' | 'effects', id: string): Promise<boolean> {
  const rows = await sql<{ fresh: boolean }>`
    select lease_until > now() + interval '8 seconds' as fresh from ${sql.table(table)} where id = ${id}`.execute(
    database.kysely,
  );
  return rows.rows[0]?.fresh === true;
}

test('what is held is renewed every two seconds, runs and effects alike', async (t) => {
  const { stage, keeper } = await makeKeeper(t);
  const run = await storeLiveRun(stage, 'running');
  await storeWaitingPush(stage);
  const effect = await leaseEffect(stage.database, stage.workerId);
  assert.ok(effect);
  const { said } = hold(keeper, run);
  keeper.holdEffect({ ...effect, onLost: () => void said.push('effect lost') });
  for (let round = 0; round < 2; round += 1) {
    await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 9 });
    await age(stage, 'effects', 'lease_until', { id: effect.effectId, seconds: 9 });
    await until(
      'both to be renewed',
      async () => (await isFresh(stage, 'runs', run.runId)) && isFresh(stage, 'effects', effect.effectId),
    );
  }
  assert.deepEqual(said, []);
});

test('a wish to cancel is told with the next renewal, at once when somebody hurries it', async (t) => {
  const { stage, keeper } = await makeKeeper(t);
  const run = await storeLiveRun(stage, 'running');
  const { said } = hold(keeper, run);
  await until('the first renewal', () => isFresh(stage, 'runs', run.runId));
  await cancelTask(stage.database, run.taskId, ['running']);
  const began = performance.now();
  keeper.renewNow();
  await until('the wish', () => said.includes('cancel'));
  assert.ok(performance.now() - began < 1_500);
});

test('who lost a run or an effect is told, who let go of it is not', async (t) => {
  const { stage, keeper } = await makeKeeper(t);
  const [lost, left] = [await storeLiveRun(stage, 'running'), await storeLiveRun(stage, 'running')];
  await storeWaitingPush(stage);
  const effect = await leaseEffect(stage.database, stage.workerId);
  assert.ok(effect);
  for (const run of [lost, left]) await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 60 });
  assert.ok(await sweepRun(stage.database, systemIds.ordered()));
  assert.ok(await sweepRun(stage.database, systemIds.ordered()));
  const [one, other] = [hold(keeper, lost), hold(keeper, left)];
  let effectLost = false;
  keeper.holdEffect({ ...effect, generation: effect.generation - 1, onLost: () => (effectLost = true) });
  other.letGo();
  keeper.renewNow();
  await until('the loss', () => one.said.includes('lost') && effectLost);
  assert.deepEqual(other.said, []);
});

test('a connection that breaks is replaced, and nothing is lost by that', async (t) => {
  const { stage, keeper } = await makeKeeper(t);
  const run = await storeLiveRun(stage, 'running');
  const { said } = hold(keeper, run);
  await until('the first renewal', () => isFresh(stage, 'runs', run.runId));
  await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 60 });
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like '%renew%' and pid <> pg_backend_pid()`.execute(
    stage.database.kysely,
  );
  await until('a renewal on a new connection', () => isFresh(stage, 'runs', run.runId));
  assert.deepEqual(said, []);
});

test('a run that somebody has locked keeps no other from being renewed, and is not taken for lost', async (t) => {
  const { stage, keeper } = await makeKeeper(t);
  const [locked, other] = [await storeLiveRun(stage, 'running'), await storeLiveRun(stage, 'running')];
  for (const run of [locked, other]) {
    await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 9 });
  }
  await stage.database.hotTransaction(async (client) => {
    await client.query('select 1 from runs where id = $1 for update', [locked.runId]);
    const [one, two] = [hold(keeper, locked), hold(keeper, other)];
    keeper.renewNow();
    await until('the other to be renewed', () => isFresh(stage, 'runs', other.runId));
    assert.equal(await isFresh(stage, 'runs', locked.runId), false);
    assert.deepEqual([...one.said, ...two.said], []);
  });
  await until('the locked one to be renewed', () => isFresh(stage, 'runs', locked.runId));
});

test('a renewal that gets no answer is given up and made on another connection', async (t) => {
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(JSON.stringify(fields)) };
  const { stage, keeper } = await makeKeeper(t, logger);
  const run = await storeLiveRun(stage, 'running');
  await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 9 });
  const { said } = hold(keeper, run);
  await stage.database.hotTransaction(async (client) => {
    await client.query('lock table runs in access exclusive mode');
    keeper.renewNow();
    await until('the keeper to give up', () =>
      warnings.some((warning) => warning.includes('did not answer')),
    );
  });
  await until('the run to be renewed', () => isFresh(stage, 'runs', run.runId));
  assert.deepEqual(said, []);
});
