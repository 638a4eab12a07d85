import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { createFaults } from '../../src/lib/faults.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createSteadiness, createSweeper } from '../../src/services/sweep.ts';
import { appendOutputEvents } from '../../src/store/append-events.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { failRun } from '../../src/store/fail-run.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { readDatabaseClock, sweepRun, sweepTask } from '../../src/store/sweep.ts';
import { findTask } from '../../src/store/tasks.ts';
import { createWakeups, type Wake } from '../../src/store/wakeups.ts';
import { until } from '../support/processes.ts';
import {
  age,
  claimNext,
  eventTypes,
  pictureOf,
  runsOf,
  setStage,
  storeLiveRun,
  storeTask,
  storeWaitingPush,
  successOf,
  taskState,
  type Stage,
} from '../support/stored-tasks.ts';

const sweep = (stage: Stage) => sweepRun(stage.database, systemIds.ordered());
const lapse = (stage: Stage, id: string) => age(stage, 'runs', 'lease_until', { id, seconds: 60 });
const expire = (stage: Stage, id: string) => age(stage, 'runs', 'deadline_at', { id, seconds: 100_000 });

test('what is in its time is left alone', async (t) => {
  const stage = await setStage(t);
  await storeTask(stage);
  await storeLiveRun(stage, 'preparing');
  await storeLiveRun(stage, 'running');
  await storeWaitingPush(stage);
  assert.equal(await sweep(stage), undefined);
  assert.equal(await sweepTask(stage.database), undefined);
});

test('a run whose lease lapsed or whose deadline passed is lost, in every live state, and comes back', async (t) => {
  const stage = await setStage(t);
  for (const state of ['preparing', 'running', 'collecting'] as const) {
    for (const pass of [lapse, expire]) {
      const run = await storeLiveRun(stage, state);
      const task = await taskState(stage, run.taskId);
      await pass(stage, run.runId);
      assert.deepEqual(await sweep(stage), { runId: run.runId, taskId: run.taskId, ended: 'lost' });
      assert.equal(await taskState(stage, run.taskId), task);
      const [lost, next] = await runsOf(stage, run.taskId);
      assert.deepEqual([lost?.state, lost?.generation], ['lost', run.generation + 1]);
      assert.deepEqual([next?.state, next?.attempt, next?.cause], ['queued', 2, 'lost']);
      assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'run_lost']);
      assert.equal(await sweep(stage), undefined);
    }
  }
});

test('a run that cannot be ended, whatever the reason, keeps no other from its turn', async (t) => {
  const stage = await setStage(t);
  const broken = await storeLiveRun(stage, 'running');
  // Nothing writes this: a task that is at rest, with a run that lives, to be cancelled.
  await sql`update tasks set state = 'completed', deadline_at = null, cancel_requested_at = now()
    where id = ${broken.taskId}`.execute(stage.database.kysely);
  const other = await storeLiveRun(stage, 'running');
  await lapse(stage, broken.runId);
  await lapse(stage, other.runId);
  const swept = new Set<string>();
  for (let times = 0; times < 40 && swept.size === 0; times += 1) {
    const one = await sweep(stage).catch(() => undefined);
    if (one !== undefined) swept.add(one.runId);
  }
  assert.deepEqual([...swept], [other.runId]);
  await assert.rejects(sweep(stage), /cannot go from completed to cancelled/u);
});

test('eight sweepers end each lost run once', async (t) => {
  const stage = await setStage(t, 10);
  const runs = [];
  for (let index = 0; index < 20; index += 1) runs.push(await storeLiveRun(stage, 'running'));
  await sql`update runs set lease_until = now() - interval '1 minute'`.execute(stage.database.kysely);
  const swept: string[] = [];
  const sweeper = async (): Promise<void> => {
    for (let one = await sweep(stage); one !== undefined; one = await sweep(stage)) swept.push(one.runId);
  };
  await Promise.all(Array.from({ length: 8 }, sweeper));
  assert.deepEqual(swept.sort(), runs.map((run) => run.runId).sort());
  for (const run of runs) {
    assert.equal((await runsOf(stage, run.taskId)).length, 2);
    assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'run_lost']);
  }
});

test('a task whose worker was lost three times fails with that reason', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeTask(stage);
  const ends = [];
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await sql`update runs set available_at = now() where state = 'queued'`.execute(stage.database.kysely);
    const run = await claimNext(stage);
    assert.equal(run?.attempt, attempt);
    await lapse(stage, run.runId);
    ends.push((await sweep(stage))?.ended);
  }
  assert.deepEqual(ends, ['lost', 'lost', 'failed']);
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: taskId });
  assert.deepEqual([task?.state, task?.failure?.code], ['failed', 'worker_lost']);
  assert.equal(await claimNext(stage), undefined);
  assert.deepEqual(await eventTypes(stage, taskId), ['task_created', 'run_lost', 'run_lost', 'task_failed']);
});

test('a task that is being cancelled is cancelled when its worker does not do it', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  await cancelTask(stage.database, run.taskId, ['running']);
  assert.equal(await sweep(stage), undefined, 'the worker has its fifteen seconds');
  await age(stage, 'runs', 'deadline_at', { id: run.runId, seconds: 16 });
  assert.equal((await sweep(stage))?.ended, 'cancelled');
  assert.equal(await taskState(stage, run.taskId), 'cancelled');
  assert.deepEqual(
    (await runsOf(stage, run.taskId)).map((row) => row.state),
    ['cancelled'],
  );
});

test('a worker whose run was swept can change nothing any more', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'collecting');
  await lapse(stage, run.runId);
  await sweep(stage);
  const before = await pictureOf(stage, run.taskId);
  const failure = { code: 'internal', phase: 'agent', retryable: false, message: 'x' } as const;
  assert.equal(await finishRun(stage.database, run, successOf('x')), false);
  assert.equal(await failRun(stage.database, run, failure, { durationMs: 1 }), false);
  assert.equal(await appendOutputEvents(stage.database, run, { from: 0, to: 1 }, []), false);
  assert.equal(await pictureOf(stage, run.taskId), before);
});

test('of a sweeper and the end of the work at the same moment one wins, whole', async (t) => {
  const stage = await setStage(t, 10);
  for (let round = 0; round < 20; round += 1) {
    const run = await storeLiveRun(stage, 'collecting');
    await lapse(stage, run.runId);
    const [finished, swept] = await Promise.all([finishRun(stage.database, run, successOf()), sweep(stage)]);
    // A sweeper passes by what somebody else is at: then it comes again.
    const ended = swept ?? (finished ? undefined : await sweep(stage));
    assert.equal(finished, ended === undefined);
    assert.equal((await runsOf(stage, run.taskId))[0]?.state, finished ? 'succeeded' : 'lost');
    await eventTypes(stage, run.taskId);
  }
});

test('a task that no worker took in time fails, and its run goes with it', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeTask(stage);
  await age(stage, 'tasks', 'deadline_at', { id: taskId, seconds: 100_000 });
  assert.equal(await sweepTask(stage.database), taskId);
  assert.equal(await taskState(stage, taskId), 'failed');
  assert.deepEqual(
    (await runsOf(stage, taskId)).map((run) => run.state),
    ['cancelled'],
  );
  assert.equal(await claimNext(stage), undefined);
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: taskId });
  assert.equal(task?.failure?.code, 'queue_deadline');
});

test("a push that did not succeed in its time fails the task, and isn't done any more", async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeWaitingPush(stage);
  await age(stage, 'tasks', 'deadline_at', { id: taskId, seconds: 100_000 });
  assert.equal(await sweepTask(stage.database), taskId);
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: taskId });
  assert.deepEqual([task?.state, task?.failure?.code], ['failed', 'push_failed']);
  const effects = await stage.database.kysely.selectFrom('effects').select('state').execute();
  assert.deepEqual(effects, [{ state: 'dropped' }]);
});

test('a task with a live run is the run’s to end, however old it is', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  await age(stage, 'tasks', 'deadline_at', { id: run.taskId, seconds: 1_000_000 });
  assert.equal(await sweepTask(stage.database), undefined);
});

test('a task that waits past its time while it is being cancelled is cancelled, not failed', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeTask(stage);
  const task = stage.database.kysely.updateTable('tasks').where('id', '=', taskId);
  await task.set({ cancel_requested_at: sql`now()` }).execute();
  await age(stage, 'tasks', 'deadline_at', { id: taskId, seconds: 100_000 });
  assert.equal(await sweepTask(stage.database), taskId);
  assert.equal(await taskState(stage, taskId), 'cancelled');
});

test('nobody is swept before everybody had one lease’s time to renew', () => {
  const steadiness = createSteadiness();
  const looks = (from: number, to: number, step = 1) => {
    const answers: boolean[] = [];
    for (let at = from; at <= to; at += step)
      answers.push(steadiness.look({ nowSeconds: at, upSeconds: 10_000 }));
    return answers;
  };
  assert.deepEqual(
    looks(100, 109),
    Array.from({ length: 10 }, () => false),
  );
  assert.deepEqual(looks(110, 112), [true, true, true]);
  // The host slept, or the database stood still: all begins again.
  assert.deepEqual(
    looks(130, 139),
    Array.from({ length: 10 }, () => false),
  );
  assert.deepEqual(looks(140, 140), [true]);
  // A clock that was set back.
  assert.deepEqual(looks(50, 51), [false, false]);
  assert.equal(createSteadiness().look({ nowSeconds: 1, upSeconds: 99 }), false);
});

test('nobody is swept before the database has been up for one lease', () => {
  const steadiness = createSteadiness();
  for (let at = 0; at < 9; at += 1) steadiness.look({ nowSeconds: at * 4, upSeconds: 3 });
  assert.equal(steadiness.look({ nowSeconds: 36, upSeconds: 9.9 }), false);
  assert.equal(steadiness.look({ nowSeconds: 37, upSeconds: 10.1 }), true);
});

test('the clock is the database’s', async (t) => {
  const stage = await setStage(t);
  const clock = await readDatabaseClock(stage.database);
  assert.ok(Math.abs(clock.nowSeconds - Date.now() / 1_000) < 60);
  assert.ok(clock.upSeconds > 0);
});

test('a sweeper waits for one lease, then ends what was lost and tells who waits', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  await lapse(stage, run.runId);
  const wakeups = createWakeups(stage.database, 'here', silentLogger);
  const woken: Wake[] = [];
  wakeups.listen((wake) => woken.push(wake));
  const stop = new AbortController();
  const counted: string[] = [];
  const began = performance.now();
  const running = createSweeper({
    database: stage.database,
    wakeups,
    ids: systemIds,
    faults: createFaults(undefined),
    logger: silentLogger,
    countRun: (outcome) => void counted.push(outcome),
  }).run(stop.signal);
  await until('the lost run', () => woken.some((wake) => wake.topic === 'run'));
  assert.ok(performance.now() - began > 9_000);
  stop.abort();
  await running;
  assert.ok(woken.some((wake) => wake.topic === 'stream' && wake.id === run.taskId));
  assert.equal((await runsOf(stage, run.taskId))[0]?.state, 'lost');
  assert.deepEqual(counted, ['lost']);
});
