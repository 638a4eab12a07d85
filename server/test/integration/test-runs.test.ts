import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestOutcome } from '../../src/domain/test-outcome.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import type { ClaimedRun } from '../../src/store/claim-run.ts';
import { cancelLiveRun } from '../../src/store/fail-run.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { finishTests, giveUpTests, readTestedWork, type Tested } from '../../src/store/finish-tests.ts';
import { readHistory } from '../../src/store/history.ts';
import { instructTask } from '../../src/store/instruct-task.ts';
import { readIterations } from '../../src/store/iterations.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { sweepRun } from '../../src/store/sweep.ts';
import {
  age,
  claimNext,
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

const options = { agent: 'claude-code', timeoutSeconds: 60, testCommand: 'npm test' };

/** A task whose work is there and waits to be tested. */
async function storeUntested(stage: Stage): Promise<ClaimedRun> {
  const run = await storeLiveRun(stage, 'collecting', { options, publish: 'branch' });
  assert.ok(
    await finishRun(stage.database, run, { ...successOf(), testRunId: systemIds.ordered() }),
    'the work was not kept',
  );
  return run;
}

/** The test run that waits, up to its last step. */
async function claimTests(stage: Stage): Promise<ClaimedRun> {
  const run = await claimNext(stage);
  assert.ok(run?.kind === 'test');
  assert.ok(await start(stage, run));
  assert.ok(await recordExit(stage.database, run, exitRecord));
  return { ...run, state: 'collecting' };
}

function outcomeOf(passed: boolean): TestOutcome {
  const reason = passed ? '' : 'exit code 1';
  const exitCode = passed ? 0 : 1;
  const about = { command: 'npm test', output: 'not ok 1', durationSeconds: 2, commit: workCommit };
  return { ...about, passed, exitCode, reason };
}

async function testedOf(stage: Stage, run: ClaimedRun, passed: boolean): Promise<Tested> {
  const work = await readTestedWork(stage.database, run);
  return { outcome: outcomeOf(passed), work, restored: true, mendingRunId: undefined, push: undefined };
}

test('work with a test command is tried before the task is done, by a run that goes before others', async (t) => {
  const stage = await setStage(t);
  const worked = await storeUntested(stage);
  await storeTask(stage, { priority: 100 });
  assert.equal(await taskState(stage, worked.taskId), 'running');
  const [iteration] = await readIterations(stage.database, worked.taskId);
  assert.deepEqual([iteration?.state, iteration?.endedAt, iteration?.resultStart], ['running', null, 'done']);
  const tests = await claimNext(stage);
  assert.ok(tests !== undefined);
  assert.deepEqual(
    [tests.taskId, tests.kind, tests.cause, tests.agent, tests.attempt, tests.iteration],
    [worked.taskId, 'test', 'test', 'script', 1, 1],
  );
  assert.deepEqual([tests.headCommit, tests.ownsHead, tests.failedTests], [workCommit, true, null]);
});

test('tests that pass end the task, with its push and what came of them', async (t) => {
  const stage = await setStage(t);
  const { taskId, runId } = await storeUntested(stage);
  const run = await claimTests(stage);
  const push = { effectId: systemIds.ordered(), branch: 'b', expected: null, pullRequest: undefined };
  assert.ok(await finishTests(stage.database, run, { ...(await testedOf(stage, run, true)), push }));
  assert.equal(await taskState(stage, taskId), 'creating_pr');
  const kept = await stage.database.kysely
    .selectFrom('tasks')
    .innerJoin('effects', 'effects.task_id', 'tasks.id')
    .select(['tests', 'result', 'effects.run_id as pushedRun', 'effects.payload'])
    .where('tasks.id', '=', taskId)
    .executeTakeFirstOrThrow();
  assert.deepEqual(kept.tests, outcomeOf(true));
  // What is published is the run that made the work.
  assert.deepEqual([kept.result, kept.pushedRun], ['done', runId]);
  assert.deepEqual(await eventTypes(stage, taskId), [
    'task_created',
    'commit_created',
    'tests_finished',
    'task_completed',
  ]);
});

test('tests that fail give the agent another run in the same conversation, and its work is tried again', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeUntested(stage);
  const first = await claimTests(stage);
  const mendingRunId = systemIds.ordered();
  assert.ok(
    await finishTests(stage.database, first, { ...(await testedOf(stage, first, false)), mendingRunId }),
  );
  assert.equal(await taskState(stage, taskId), 'running');
  const mending = await claimNext(stage);
  assert.ok(mending?.runId === mendingRunId);
  assert.deepEqual(
    [mending.kind, mending.cause, mending.agent, mending.attempt, mending.firstAttempt, mending.prompt],
    ['code', 'test_failed', 'claude-code', 2, 2, 'mend it'],
  );
  assert.deepEqual(mending.failedTests, outcomeOf(false));
  assert.ok(await start(stage, mending));
  assert.ok(await recordExit(stage.database, mending, exitRecord));
  const success = { ...successOf(), testRunId: systemIds.ordered() };
  assert.ok(await finishRun(stage.database, { ...mending, state: 'collecting' }, success));
  const second = await claimTests(stage);
  assert.equal((await readTestedWork(stage.database, second)).givenBack, 1);
  assert.ok(await finishTests(stage.database, second, await testedOf(stage, second, false)));
  assert.equal(await taskState(stage, taskId), 'completed');
  assert.deepEqual(
    (await runsOf(stage, taskId)).map(({ cause, attempt }) => `${cause} ${attempt}`),
    ['first 1', 'test 1', 'test_failed 2', 'test 2'],
  );
  assert.deepEqual(
    (await readHistory(stage.database, taskId, 2)).map(({ state, result }) => [state, result]),
    [['succeeded', 'done']],
  );
});

test('nobody else works in a tree whose work is being tested, and nothing of its order is passed on', async (t) => {
  const stage = await setStage(t);
  const worked = await storeUntested(stage);
  const other = await storeTask(stage, {
    workspaceId: worked.workspaceId,
    sharesWorkspace: true,
    priority: 2_000,
  });
  const run = await claimTests(stage);
  assert.equal(await claimNext(stage), undefined);
  assert.ok(await finishTests(stage.database, run, await testedOf(stage, run, true)));
  assert.equal((await claimNext(stage))?.taskId, other.taskId);
  const instruction = {
    taskId: worked.taskId,
    runId: systemIds.ordered(),
    prompt: 'more',
    idempotency: null,
  };
  await instructTask(stage.database, instruction);
  const queued = await stage.database.kysely
    .selectFrom('runs')
    .select('priority')
    .where('id', '=', instruction.runId)
    .executeTakeFirstOrThrow();
  assert.equal(queued.priority, 1);
});

test('a lost test run is tried again, and a task that is cancelled while it is tested leaves the tree to others', async (t) => {
  const stage = await setStage(t);
  const { taskId, workspaceId } = await storeUntested(stage);
  const lost = await claimTests(stage);
  await age(stage, 'runs', 'lease_until', { id: lost.runId, seconds: 60 });
  assert.equal((await sweepRun(stage.database, systemIds.ordered()))?.ended, 'lost');
  const before = await pictureOf(stage, taskId);
  assert.equal(await finishTests(stage.database, lost, await testedOf(stage, lost, true)), false);
  assert.equal(await pictureOf(stage, taskId), before);
  const [next] = (await runsOf(stage, taskId)).slice(-1);
  assert.ok(next !== undefined);
  await age(stage, 'runs', 'available_at', { id: next.id, seconds: 60 });
  const again = await claimTests(stage);
  assert.deepEqual([again.cause, again.attempt], ['lost', 2]);
  assert.equal((await cancelTask(stage.database, taskId, ['running'])).kind, 'asked');
  assert.equal(await finishTests(stage.database, again, await testedOf(stage, again, true)), false);
  assert.ok(await cancelLiveRun(stage.database, again, 0));
  assert.equal(await taskState(stage, taskId), 'cancelled');
  const other = await storeTask(stage, { workspaceId, sharesWorkspace: true });
  assert.equal((await claimNext(stage))?.taskId, other.taskId);
});

test('an agent that fails at mending leaves the work as it was, and what the tests said', async (t) => {
  const stage = await setStage(t);
  const { taskId, runId } = await storeUntested(stage);
  const tests = await claimTests(stage);
  const mendingRunId = systemIds.ordered();
  await finishTests(stage.database, tests, { ...(await testedOf(stage, tests, false)), mendingRunId });
  const mending = await claimNext(stage);
  assert.ok(mending?.runId === mendingRunId);
  const failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'no idea' } as const;
  const push = { effectId: systemIds.ordered(), branch: 'b', expected: null, pullRequest: undefined };
  const work = await readTestedWork(stage.database, mending);
  const givenUp = { failure, outcome: outcomeOf(false), work, push, durationMs: 5 };
  assert.ok(await giveUpTests(stage.database, { ...mending, state: 'preparing' }, givenUp));
  assert.equal(await giveUpTests(stage.database, { ...mending, state: 'preparing' }, givenUp), false);
  assert.equal(await taskState(stage, taskId), 'creating_pr');
  const effect = await stage.database.kysely
    .selectFrom('effects')
    .select('run_id as runId')
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow();
  assert.equal(effect.runId, runId);
  assert.deepEqual((await eventTypes(stage, taskId)).slice(-2), ['tests_given_up', 'task_completed']);
  const iterations = await readIterations(stage.database, taskId);
  assert.deepEqual(
    iterations.map(({ state, resultStart }) => [state, resultStart]),
    [['succeeded', 'done']],
  );
});
