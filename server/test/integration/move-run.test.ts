import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { Failure } from '../../src/domain/failure.ts';
import { liveRunStates } from '../../src/domain/run-state.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import type { ClaimedRun } from '../../src/store/claim-run.ts';
import { cancelLiveRun, failRun } from '../../src/store/fail-run.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { findTask } from '../../src/store/tasks.ts';
import {
  baseCommit,
  eventTypes,
  exitRecord,
  pictureOf,
  runsOf,
  setStage,
  start,
  storeLiveRun,
  storeTask,
  successOf,
  taskState,
  workCommit,
  type Stage,
} from '../support/stored-tasks.ts';

const failure: Failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'it broke' };
const cancellable = ['pending', 'cloning', 'running'] as const;

/** Every change that the holder of a run makes, and the state that it makes it from. */
const moves = {
  start: { from: ['preparing'], make: (stage: Stage, run: ClaimedRun) => start(stage, run) },
  exit: {
    from: ['running'],
    make: (stage: Stage, run: ClaimedRun) => recordExit(stage.database, run, exitRecord),
  },
  finish: {
    from: ['collecting'],
    make: (stage: Stage, run: ClaimedRun) => finishRun(stage.database, run, successOf('codeforge/x')),
  },
  fail: {
    from: liveRunStates,
    make: (stage: Stage, run: ClaimedRun) => failRun(stage.database, run, failure, { durationMs: 1 }),
  },
  retry: {
    from: liveRunStates,
    make: (stage: Stage, run: ClaimedRun) =>
      failRun(stage.database, run, failure, {
        retry: { runId: systemIds.ordered(), inMs: 60_000, attempt: 2 },
        durationMs: 1,
      }),
  },
  cancel: {
    from: liveRunStates,
    make: (stage: Stage, run: ClaimedRun) => cancelLiveRun(stage.database, run, 1),
  },
} as const;

test('each change of a held run is refused from every other state, and then leaves nothing behind', async (t) => {
  const stage = await setStage(t);
  for (const [name, move] of Object.entries(moves)) {
    const from: readonly string[] = move.from;
    for (const state of liveRunStates) {
      if (from.includes(state)) continue;
      const run = await storeLiveRun(stage, state);
      const before = await pictureOf(stage, run.taskId);
      assert.equal(await move.make(stage, run), false, `${name} from ${state}`);
      assert.equal(await pictureOf(stage, run.taskId), before, `${name} from ${state}`);
    }
  }
});

test('each change is refused to whom has lost the run, and then leaves nothing behind', async (t) => {
  const stage = await setStage(t);
  for (const [name, move] of Object.entries(moves)) {
    for (const state of move.from) {
      const run = await storeLiveRun(stage, state);
      if (name === 'cancel') await cancelTask(stage.database, run.taskId, cancellable);
      const before = await pictureOf(stage, run.taskId);
      for (const generation of [run.generation - 1, run.generation + 1]) {
        assert.equal(await move.make(stage, { ...run, generation }), false, `${name} from ${state}`);
      }
      assert.equal(await pictureOf(stage, run.taskId), before, `${name} from ${state}`);
    }
  }
});

test('each change that its holder repeats is made once', async (t) => {
  const stage = await setStage(t);
  for (const [name, move] of Object.entries(moves)) {
    for (const state of move.from) {
      const run = await storeLiveRun(stage, state);
      if (name === 'cancel') await cancelTask(stage.database, run.taskId, cancellable);
      const made = await Promise.all([move.make(stage, run), move.make(stage, run), move.make(stage, run)]);
      assert.equal(made.filter(Boolean).length, 1, `${name} from ${state}`);
      const after = await pictureOf(stage, run.taskId);
      assert.equal(await move.make(stage, run), false);
      assert.equal(await pictureOf(stage, run.taskId), after);
      await eventTypes(stage, run.taskId);
    }
  }
});

test('a started run knows its base, its task runs, and its deadline lies behind the agent’s time', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'preparing');
  const event = { type: 'agent_started', data: { agent: 'script', iteration: 1 } } as const;
  assert.ok(await start(stage, run, [event]));
  assert.equal(await taskState(stage, run.taskId), 'running');
  const row = await sql<{ seconds: number; base: string; branch: string; worker: string | null }>`
    select extract(epoch from r.deadline_at - now())::float8 as seconds, w.base_commit as base, w.base_branch as branch,
      w.worker_id as worker from runs r join workspaces w on w.id = r.workspace_id`.execute(
    stage.database.kysely,
  );
  const { seconds = 0, base, branch, worker } = row.rows[0] ?? {};
  assert.ok(seconds > 60 && seconds <= 60 + 120, String(seconds));
  assert.deepEqual(
    [base, branch, worker],
    [baseCommit, 'main', null],
    'the tree is nobody’s while it is worked in',
  );
  assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'agent_started']);
});

test('finished work that a person publishes rests; what publishes by itself is on its way at once', async (t) => {
  const stage = await setStage(t);
  const manual = await storeLiveRun(stage, 'collecting');
  assert.ok(await finishRun(stage.database, manual, successOf()));
  assert.equal(await taskState(stage, manual.taskId), 'completed');
  const own = await storeLiveRun(stage, 'collecting');
  assert.ok(await finishRun(stage.database, own, successOf('codeforge/mend-it')));
  assert.equal(await taskState(stage, own.taskId), 'creating_pr');
  const effects = await stage.database.kysely.selectFrom('effects').selectAll().execute();
  assert.equal(effects.length, 1);
  assert.equal(effects[0]?.task_id, own.taskId);
  assert.equal(effects[0]?.state, 'waiting');
  assert.deepEqual(effects[0]?.payload, {
    commit: workCommit,
    branch: 'codeforge/mend-it',
    expected: null,
    firstBranch: 'codeforge/mend-it',
  });
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: own.taskId });
  assert.deepEqual(
    [task?.branch, task?.result, task?.durationMs, task?.finishedAt, task?.changes?.filesModified],
    ['codeforge/mend-it', 'done', 1_500, null, 1],
  );
  assert.deepEqual(await eventTypes(stage, own.taskId), ['task_created', 'commit_created', 'task_completed']);
});

test('a run that changed nothing is a success without work, and nothing is pushed', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'collecting');
  const success = { result: 'nothing to do', durationMs: 1, work: undefined, push: undefined };
  assert.ok(await finishRun(stage.database, run, success));
  assert.equal(await taskState(stage, run.taskId), 'completed');
  assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'no_changes', 'task_completed']);
  assert.equal((await stage.database.kysely.selectFrom('effects').select('id').execute()).length, 0);
});

test('a result with bytes that PostgreSQL cannot store is stored all the same', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'collecting');
  assert.ok(await finishRun(stage.database, run, { ...successOf(), result: 'a\u0000b \ud83d' }));
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: run.taskId });
  assert.equal(task?.result, 'a\ufffdb \ufffd');
});

test('a failure that may pass queues the next attempt and leaves the task where it is', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const retry = { runId: systemIds.ordered(), inMs: 2_000, attempt: 2 };
  assert.ok(await failRun(stage.database, run, { ...failure, retryable: true }, { retry, durationMs: 5 }));
  assert.equal(await taskState(stage, run.taskId), 'running');
  assert.deepEqual(
    (await runsOf(stage, run.taskId)).map(({ id, state, attempt, cause }) => [id, state, attempt, cause]),
    [
      [run.runId, 'failed', 1, 'first'],
      [retry.runId, 'queued', 2, 'retry'],
    ],
  );
  const row = await sql<{ seconds: number; ms: number }>`
    select extract(epoch from available_at - now())::float8 as seconds, time_left_ms as ms from runs
    where id = ${retry.runId}`.execute(stage.database.kysely);
  assert.ok((row.rows[0]?.seconds ?? 0) > 1 && (row.rows[0]?.seconds ?? 9) <= 2);
  assert.equal(row.rows[0]?.ms, 60_000);
});

test('a final failure is the task’s own, with its reason', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const events = [{ type: 'task_timeout', data: { seconds: 60 } } as const];
  assert.ok(await failRun(stage.database, run, failure, { durationMs: 700, events }));
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: run.taskId });
  assert.deepEqual([task?.state, task?.failure, task?.durationMs], ['failed', failure, 700]);
  assert.ok(task?.finishedAt);
  assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'task_timeout', 'task_failed']);
});

test('a task that somebody asked to cancel can neither be completed nor failed nor tried again', async (t) => {
  const stage = await setStage(t);
  const collecting = await storeLiveRun(stage, 'collecting');
  const running = await storeLiveRun(stage, 'running');
  for (const run of [collecting, running]) {
    assert.deepEqual(await cancelTask(stage.database, run.taskId, cancellable), { kind: 'asked' });
  }
  assert.equal(await finishRun(stage.database, collecting, successOf('x')), false);
  for (const move of [moves.fail, moves.retry]) assert.equal(await move.make(stage, running), false);
  for (const run of [collecting, running]) {
    assert.ok(await cancelLiveRun(stage.database, run, 1));
    assert.equal(await taskState(stage, run.taskId), 'cancelled');
    assert.deepEqual(await eventTypes(stage, run.taskId), [
      'task_created',
      'cancel_requested',
      'task_cancelled',
    ]);
  }
});

test('a run whose cancellation nobody asked for is not cancelled', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const before = await pictureOf(stage, run.taskId);
  assert.equal(await cancelLiveRun(stage.database, run, 1), false);
  assert.equal(await pictureOf(stage, run.taskId), before);
});

test('a task that waits is cancelled at once, with its queued runs', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeTask(stage);
  assert.deepEqual(await cancelTask(stage.database, taskId, ['running']), {
    kind: 'refused',
    state: 'pending',
  });
  assert.deepEqual(await cancelTask(stage.database, taskId, cancellable), { kind: 'cancelled' });
  assert.equal(await taskState(stage, taskId), 'cancelled');
  assert.deepEqual(
    (await runsOf(stage, taskId)).map((run) => run.state),
    ['cancelled'],
  );
  assert.deepEqual(await cancelTask(stage.database, taskId, cancellable), {
    kind: 'refused',
    state: 'cancelled',
  });
  assert.deepEqual(await cancelTask(stage.database, systemIds.random(), cancellable), { kind: 'unknown' });
});

test('asking a live run to end gives its worker fifteen seconds, once, however often it is asked', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const all = await Promise.all(
    Array.from({ length: 5 }, () => cancelTask(stage.database, run.taskId, cancellable)),
  );
  assert.deepEqual(
    all.map((answer) => answer.kind),
    Array.from({ length: 5 }, () => 'asked'),
  );
  assert.deepEqual(await eventTypes(stage, run.taskId), ['task_created', 'cancel_requested']);
  const row = await sql<{ seconds: number }>`
    select extract(epoch from deadline_at - now())::float8 as seconds from runs`.execute(
    stage.database.kysely,
  );
  assert.ok((row.rows[0]?.seconds ?? 99) <= 15 && (row.rows[0]?.seconds ?? 0) > 5);
});

test('of a wish to cancel and the end of the work at the same moment one wins, whole', async (t) => {
  const stage = await setStage(t, 10);
  for (let round = 0; round < 20; round += 1) {
    const run = await storeLiveRun(stage, 'collecting');
    const [finished, answer] = await Promise.all([
      finishRun(stage.database, run, successOf()),
      cancelTask(stage.database, run.taskId, cancellable),
    ]);
    assert.equal(answer.kind, finished ? 'refused' : 'asked');
    assert.equal(await taskState(stage, run.taskId), finished ? 'completed' : 'running');
    await eventTypes(stage, run.taskId);
  }
});
