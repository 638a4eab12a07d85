import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { measureWork } from '../../src/services/measure-work.ts';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { createMeter } from '../../src/telemetry/meter.ts';
import { parsePrometheusText, valueOf, type ScrapedMetric } from '../support/prometheus-text.ts';
import { age, setStage, storeLiveRun, storeTask, storeWaitingPush } from '../support/stored-tasks.ts';

/** What one look shows; a meter of its own each time, since figures are remembered for a second. */
async function look(database: Database): Promise<ReadonlyMap<string, ScrapedMetric>> {
  const meter = createMeter();
  measureWork(database, meter);
  return parsePrometheusText((await meter.scrape()).text);
}

test('an empty database has every series, at zero', async (t) => {
  const { database } = await setStage(t);
  const metrics = await look(database);
  assert.equal(valueOf(metrics, 'slipway_database_up'), 1);
  assert.equal(valueOf(metrics, 'codeforge_tasks_in_progress'), 0);
  assert.equal(metrics.get('slipway_tasks')?.samples.length, 9);
  assert.equal(metrics.get('slipway_queue_runs')?.samples.length, 3);
  assert.equal(metrics.get('slipway_effects')?.samples.length, 15);
  for (const name of ['slipway_tasks', 'slipway_runs_live', 'slipway_queue_runs', 'slipway_effects']) {
    assert.equal(valueOf(metrics, name), 0, name);
  }
  assert.equal(valueOf(metrics, 'slipway_events_appended_total'), 0);
});

test('what waits, runs and is to be delivered is counted, with the age of the oldest', async (t) => {
  const stage = await setStage(t);
  await storeLiveRun(stage, 'running');
  await storeLiveRun(stage, 'collecting');
  await storeWaitingPush(stage);
  const queued = await storeTask(stage);
  await age(stage, 'runs', 'available_at', { id: queued.runId, seconds: 100 });
  await sql`update effects set created_at = now() - interval '300 seconds'`.execute(stage.database.kysely);
  const metrics = await look(stage.database);
  assert.equal(valueOf(metrics, 'slipway_queue_runs', { queue: 'tasks' }), 1);
  const oldest = valueOf(metrics, 'slipway_queue_oldest_seconds', { queue: 'tasks' }) ?? 0;
  assert.ok(oldest >= 100 && oldest < 200, `${oldest}`);
  assert.equal(valueOf(metrics, 'slipway_runs_live', { state: 'running' }), 1);
  assert.equal(valueOf(metrics, 'slipway_runs_live', { state: 'collecting' }), 1);
  assert.equal(valueOf(metrics, 'slipway_agents_live', { agent: 'script' }), 1);
  assert.equal(valueOf(metrics, 'slipway_effects', { kind: 'push', state: 'waiting' }), 1);
  const effect = valueOf(metrics, 'slipway_effects_oldest_seconds', { kind: 'push', state: 'waiting' }) ?? 0;
  assert.ok(effect >= 300 && effect < 400, `${effect}`);
  assert.equal(valueOf(metrics, 'slipway_tasks', { state: 'creating_pr' }), 1);
  assert.equal(valueOf(metrics, 'codeforge_tasks_in_progress'), 3);
  assert.ok((valueOf(metrics, 'slipway_events_appended_total') ?? 0) >= 4);
});

test('a run whose time has not come yet is not counted as one that waits', async (t) => {
  const stage = await setStage(t);
  const { runId } = await storeTask(stage);
  await age(stage, 'runs', 'available_at', { id: runId, seconds: -60 });
  assert.equal(valueOf(await look(stage.database), 'slipway_queue_runs'), 0);
});

test('an effect that failed for good stays in sight', async (t) => {
  const stage = await setStage(t);
  await storeWaitingPush(stage);
  await sql`update effects set state = 'failed', deadline_at = null, ended_at = now()`.execute(
    stage.database.kysely,
  );
  const metrics = await look(stage.database);
  assert.equal(valueOf(metrics, 'slipway_effects', { kind: 'push', state: 'failed' }), 1);
  assert.equal(valueOf(metrics, 'slipway_effects', { state: 'waiting' }), 0);
});

test('a workflow step that failed has ended its run, and is no delivery that failed', async (t) => {
  const stage = await setStage(t);
  await storeWaitingPush(stage);
  await sql`update effects set kind = 'workflow_step', state = 'failed', deadline_at = null, ended_at = now()`.execute(
    stage.database.kysely,
  );
  assert.equal(valueOf(await look(stage.database), 'slipway_effects', { state: 'failed' }), 0);
});

test('of a database that refuses, its figures are left out and the rest is there', async (t) => {
  const database = openDatabase({ host: '/nonexistent', port: 1, user: 'n', database: 'n' }, 1, silentLogger);
  t.after(() => database.close());
  assertAway(await look(database));
});

test('a database that never answers holds up nobody for longer than its limit', async (t) => {
  const database = await silentDatabase(t);
  const began = performance.now();
  assertAway(await look(database));
  // The pool alone would give up after five seconds.
  assert.ok(performance.now() - began < 4_500);
});

function assertAway(metrics: ReadonlyMap<string, ScrapedMetric>): void {
  assert.equal(valueOf(metrics, 'slipway_database_up'), 0);
  for (const name of [
    'slipway_tasks',
    'slipway_queue_runs',
    'slipway_effects',
    'slipway_events_appended_total',
  ]) {
    assert.equal(valueOf(metrics, name), undefined, name);
  }
  assert.ok(valueOf(metrics, 'process_resident_memory_bytes'));
}

/** A server that takes connections and says nothing. */
async function silentDatabase(t: TestContext): Promise<Database> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const database = openDatabase({ url: new Secret(`postgres://n@127.0.0.1:${port}/n`) }, 1, silentLogger);
  t.after(() => database.close());
  return database;
}
