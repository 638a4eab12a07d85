import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { claimRun, type ClaimedRun } from '../../src/store/claim-run.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { readHistory } from '../../src/store/history.ts';
import { instructTask, type InstructAnswer, type NewInstruction } from '../../src/store/instruct-task.ts';
import { readIterations } from '../../src/store/iterations.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { readIterationSpend, readTaskSpend } from '../../src/store/spend.ts';
import { appendFindings } from '../../src/store/append-findings.ts';
import {
  addOwner,
  eventTypes,
  noLimits,
  pictureOf,
  setStage,
  start,
  storeLiveRun,
  storeTask,
  successOf,
  taskState,
  type Stage,
} from '../support/stored-tasks.ts';

type Key = NonNullable<NewInstruction['idempotency']>;

function instruct(stage: Stage, taskId: string, prompt: string, key?: Partial<Key>): Promise<InstructAnswer> {
  const base: Key = { ownerId: stage.ownerId, route: 'instruct', key: 'k', bodyHash: `${taskId} ${prompt}` };
  const idempotency = key === undefined ? null : { ...base, ...key };
  return instructTask(stage.database, { taskId, runId: systemIds.ordered(), prompt, idempotency });
}

async function finish(stage: Stage, run: ClaimedRun, result: string): Promise<void> {
  assert.ok(await finishRun(stage.database, run, { ...successOf(), result }));
}

/** A task whose first iteration is done. */
async function completed(stage: Stage): Promise<ClaimedRun> {
  const run = await storeLiveRun(stage, 'collecting', { priority: 7 });
  await finish(stage, run, 'first');
  return run;
}

async function runFollowUp(stage: Stage, result: string): Promise<ClaimedRun> {
  const options = { capabilities: [], limits: noLimits };
  const run = await claimRun(stage.database, stage.workerId, 'follow_ups', options);
  assert.ok(run, 'no instruction waits');
  assert.ok(await start(stage, run));
  assert.ok(await recordExit(stage.database, run, { code: 0 }));
  await finish(stage, { ...run, state: 'collecting' }, result);
  return run;
}

test('two instructions at the same moment are two iterations, and both are done', async (t) => {
  const stage = await setStage(t, 10);
  const { taskId } = await completed(stage);
  const prompts = ['a', 'b', 'c', 'd', 'e', 'f'];
  const answers = await Promise.all(prompts.map((prompt) => instruct(stage, taskId, prompt)));
  const iterations = answers.map((answer) => (answer.kind === 'instructed' ? answer.iteration : 0));
  assert.deepEqual(
    iterations.toSorted((a, b) => a - b),
    [2, 3, 4, 5, 6, 7],
  );
  const done: string[] = [];
  for (const _ of prompts) {
    assert.equal(await taskState(stage, taskId), 'awaiting_instruction');
    done.push((await runFollowUp(stage, 'ok')).prompt);
  }
  assert.equal(await taskState(stage, taskId), 'completed');
  assert.deepEqual(
    done,
    prompts.toSorted((a, b) => (iterations[prompts.indexOf(a)] ?? 0) - (iterations[prompts.indexOf(b)] ?? 0)),
  );
  const types = await eventTypes(stage, taskId);
  assert.equal(types.filter((type) => type === 'instruction_added').length, 6);
});

test('an instruction is a run of its own, with the task’s agent and whole time', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage);
  assert.deepEqual(await instruct(stage, taskId, 'more'), { kind: 'instructed', iteration: 2, added: true });
  const run = await stage.database.kysely
    .selectFrom('runs')
    .selectAll()
    .where('task_id', '=', taskId)
    .where('iteration', '=', 2)
    .executeTakeFirstOrThrow();
  assert.partialDeepStrictEqual(run, {
    cause: 'follow_up',
    queue: 'follow_ups',
    kind: 'code',
    attempt: 1,
    state: 'queued',
    prompt: 'more',
    priority: 7,
    agent: 'script',
    session: null,
    time_left_ms: 60_000,
  });
  const task = await stage.database.kysely.selectFrom('tasks').selectAll().executeTakeFirstOrThrow();
  assert.partialDeepStrictEqual(task, {
    iteration: 2,
    current_prompt: 'more',
    finished_at: null,
    failure: null,
  });
  assert.ok(task.deadline_at !== null && run.deadline_at !== null);
});

test('an instruction and a cancellation at the same moment: in either order nothing is half', async (t) => {
  const stage = await setStage(t, 10);
  for (let round = 0; round < 12; round += 1) {
    const { taskId } = await completed(stage);
    await instruct(stage, taskId, 'first');
    const [cancel, second] = await Promise.all([
      cancelTask(stage.database, taskId, ['awaiting_instruction']),
      instruct(stage, taskId, 'second'),
    ]);
    assert.equal(cancel.kind, 'cancelled');
    assert.equal(await taskState(stage, taskId), 'cancelled');
    assert.ok(second.kind === 'instructed' || second.kind === 'refused');
    const runs = await stage.database.kysely
      .selectFrom('runs')
      .select('state')
      .where('task_id', '=', taskId)
      .where('cause', '=', 'follow_up')
      .execute();
    assert.ok(runs.every(({ state }) => state === 'cancelled'));
    assert.equal(runs.length, second.kind === 'instructed' ? 2 : 1);
  }
});

test('where it is refused, nothing is written and the key stays free', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeTask(stage);
  const before = await pictureOf(stage, taskId);
  const refused = { kind: 'refused', state: 'pending', cancelling: false };
  assert.deepEqual(await instruct(stage, taskId, 'more', {}), refused);
  assert.equal(await pictureOf(stage, taskId), before);
  assert.equal((await stage.database.kysely.selectFrom('idempotency_keys').selectAll().execute()).length, 0);
  assert.deepEqual(await instruct(stage, systemIds.random(), 'more'), { kind: 'unknown' });
});

test('a key adds one instruction at whatever moment it is repeated, and is its owner’s', async (t) => {
  const stage = await setStage(t, 10);
  const { taskId } = await completed(stage);
  const other = await completed(stage);
  const answers = await Promise.all(Array.from({ length: 10 }, () => instruct(stage, taskId, 'more', {})));
  assert.deepEqual(
    answers.map((answer) => answer.kind === 'instructed' && answer.iteration),
    answers.map(() => 2),
  );
  assert.equal(answers.filter((answer) => answer.kind === 'instructed' && answer.added).length, 1);
  await runFollowUp(stage, 'second');
  assert.deepEqual(await instruct(stage, taskId, 'more', {}), {
    kind: 'instructed',
    iteration: 2,
    added: false,
  });
  assert.deepEqual(await instruct(stage, taskId, 'something else', {}), { kind: 'mismatch' });
  assert.deepEqual(await instruct(stage, other.taskId, 'more', {}), { kind: 'mismatch' });
  const bob = await addOwner(stage, 'bob');
  assert.partialDeepStrictEqual(await instruct(stage, taskId, 'his', { ownerId: bob }), { iteration: 3 });
});

test('one key for two tasks at the same moment is one instruction', async (t) => {
  const stage = await setStage(t, 10);
  for (let round = 0; round < 8; round += 1) {
    const [one, other] = [await completed(stage), await completed(stage)];
    const answers = await Promise.all(
      [one, other].map(({ taskId }) => instruct(stage, taskId, 'more', { key: `round ${round}` })),
    );
    assert.deepEqual(answers.map(({ kind }) => kind).toSorted(), ['instructed', 'mismatch']);
  }
});

test('iterations, their cost and their history are read from the runs and the ledger', async (t) => {
  const stage = await setStage(t);
  const first = await storeLiveRun(stage, 'running');
  const none = { session: undefined, version: undefined, questions: [] };
  const row = {
    model: 'm',
    inputTokens: 100,
    outputTokens: 10,
    cacheReadTokens: 3,
    cacheWriteTokens: 2,
    microdollars: 5_000_000_000,
  };
  const spend = { events: [], findings: { ...none, spend: [row, row] } };
  assert.ok(await appendFindings(stage.database, first, { from: 0, to: 1 }, spend));
  const exit = { startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:00:10Z', heldMs: 4_000 };
  assert.ok(await recordExit(stage.database, first, exit));
  await finish(stage, { ...first, state: 'collecting' }, 'x'.repeat(60_000));
  const { taskId } = first;
  await instruct(stage, taskId, 'more');
  await instruct(stage, taskId, 'still more');
  await runFollowUp(stage, 'second');
  const iterations = await readIterations(stage.database, taskId);
  assert.deepEqual(
    iterations.map(({ number, prompt, state, durationMs }) => [number, prompt, state, durationMs]),
    [
      [1, 'mend it', 'succeeded', 6_000],
      [2, 'more', 'succeeded', 0],
      [3, 'still more', 'queued', 0],
    ],
  );
  assert.equal(iterations[0]?.resultStart?.length, 2_000);
  const spent = {
    inputTokens: 200,
    outputTokens: 20,
    cacheReadTokens: 6,
    cacheWriteTokens: 4,
    microdollars: 10_000_000_000,
  };
  const nothing = {
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    microdollars: 0,
  };
  assert.deepEqual(
    iterations.map((iteration) => iteration.spend),
    [spent, nothing, nothing],
  );
  assert.deepEqual(await readTaskSpend(stage.database, taskId), spent);
  const ofIteration = (iteration: number) =>
    stage.database.transaction((tx) => readIterationSpend(tx, taskId, iteration));
  assert.deepEqual([await ofIteration(1), await ofIteration(2)], [spent, nothing]);
  const history = await readHistory(stage.database, taskId, 3);
  assert.deepEqual(
    history.map(({ iteration, prompt, result, state }) => [iteration, prompt, result?.length, state]),
    [
      [1, 'mend it', 50_000, 'succeeded'],
      [2, 'more', 6, 'succeeded'],
    ],
  );
  assert.deepEqual(await readHistory(stage.database, taskId, 1), []);
});
