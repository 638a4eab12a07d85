import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../src/domain/failure.ts';
import type { ReviewResult } from '../../src/domain/review.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { claimRun, type ClaimedRun } from '../../src/store/claim-run.ts';
import { cancelReview, failReview, finishReview } from '../../src/store/end-review.ts';
import { failRun } from '../../src/store/fail-run.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { instructTask } from '../../src/store/instruct-task.ts';
import { readIterations } from '../../src/store/iterations.ts';
import type { NewTask } from '../../src/store/create-task.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { reviewTask, type NewReview, type ReviewAnswer } from '../../src/store/review-task.ts';
import { sweepRun, sweepTask } from '../../src/store/sweep.ts';
import { findTask } from '../../src/store/tasks.ts';
import {
  age,
  eventTypes,
  exitRecord,
  noLimits,
  pictureOf,
  runsOf,
  setStage,
  start,
  storeLiveRun,
  successOf,
  taskState,
  workCommit,
  type Stage,
} from '../support/stored-tasks.ts';

const result: ReviewResult = {
  verdict: 'request_changes',
  score: 4,
  summary: 'It divides by zero.',
  issues: [{ severity: 'major', file: 'a.ts', line: 3, description: 'by zero', suggestion: 'check it' }],
  autoFixable: true,
  reviewedBy: 'claude-code:a-model',
  durationSeconds: 2.5,
};

const failure: Failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'it broke' };

function ask(stage: Stage, taskId: string, more: Partial<NewReview> = {}): Promise<ReviewAnswer> {
  return reviewTask(stage.database, {
    taskId,
    runId: systemIds.ordered(),
    agent: 'script',
    model: null,
    timeoutSeconds: 30,
    idempotency: null,
    ...more,
  });
}

const instruct = (stage: Stage, taskId: string, prompt: string) =>
  instructTask(stage.database, { taskId, runId: systemIds.ordered(), prompt, idempotency: null });

const claim = (stage: Stage, queue: 'reviews' | 'follow_ups' = 'reviews') =>
  claimRun(stage.database, stage.workerId, queue, { capabilities: ['script'], limits: noLimits });

/** A task whose first iteration is done. */
async function completed(stage: Stage, more: Partial<NewTask> = {}): Promise<ClaimedRun> {
  const run = await storeLiveRun(stage, 'collecting', more);
  assert.ok(await finishRun(stage.database, run, successOf()));
  return run;
}

/** A review that is about to end. */
async function collecting(stage: Stage, taskId: string): Promise<ClaimedRun> {
  assert.equal((await ask(stage, taskId)).kind, 'reviewing');
  const run = await claim(stage);
  assert.ok(run, 'the review was not claimed');
  assert.ok(await start(stage, run));
  assert.ok(await recordExit(stage.database, run, exitRecord));
  return { ...run, state: 'collecting' };
}

const finish = (stage: Stage, run: ClaimedRun) =>
  finishReview(stage.database, run, {
    result,
    from: 'text',
    commit: workCommit,
    readOnly: { restored: undefined },
    answer: '{}',
    agentVersion: undefined,
    durationMs: 2_500,
  });

const showTask = async (stage: Stage, taskId: string) => {
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: taskId });
  assert.ok(task);
  return task;
};

test('a review takes finished work to reviewing and back, with its result, and leaves the work as it is', async (t) => {
  const stage = await setStage(t);
  const { taskId, workspaceId } = await completed(stage);
  const before = await showTask(stage, taskId);
  const run = await collecting(stage, taskId);
  assert.deepEqual(
    [run.kind, run.taskKind, run.aside, run.agent, run.timeLeftMs, run.headCommit, run.workspaceId],
    ['review', 'code', true, 'script', 30_000, workCommit, workspaceId],
  );
  assert.equal(await taskState(stage, taskId), 'reviewing');
  assert.equal((await showTask(stage, taskId)).finishedAt, null);
  assert.ok(await finish(stage, run));
  const task = await showTask(stage, taskId);
  assert.equal(task.state, 'completed');
  assert.deepEqual(task.review, result);
  assert.deepEqual(
    [task.result, task.changes, task.iteration, task.durationMs],
    [before.result, before.changes, 1, before.durationMs + 2_500],
  );
  assert.ok(task.finishedAt);
  assert.deepEqual((await eventTypes(stage, taskId)).slice(-3), [
    'review_requested',
    'review_parsed',
    'review_completed',
  ]);
  const iterations = await readIterations(stage.database, taskId);
  assert.deepEqual(
    iterations.map(({ number, state, resultStart }) => [number, state, resultStart]),
    [[1, 'succeeded', 'done']],
  );
});

test('of many that ask at once one gets the review, and a key asks once', async (t) => {
  const stage = await setStage(t, 10);
  const { taskId } = await completed(stage);
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(stage, taskId)));
  assert.equal(answers.filter(({ kind }) => kind === 'reviewing').length, 1);
  assert.ok(answers.every((answer) => answer.kind === 'reviewing' || answer.kind === 'refused'));
  assert.ok(await finish(stage, await claimed(stage)));
  const key = { ownerId: stage.ownerId, route: 'review', key: 'k', bodyHash: 'h' };
  assert.deepEqual(await ask(stage, taskId, { idempotency: key }), { kind: 'reviewing', added: true });
  assert.deepEqual(await ask(stage, taskId, { idempotency: key }), { kind: 'reviewing', added: false });
  assert.equal((await ask(stage, taskId, { idempotency: { ...key, bodyHash: 'other' } })).kind, 'mismatch');
});

async function claimed(stage: Stage): Promise<ClaimedRun> {
  const run = await claim(stage);
  assert.ok(run);
  assert.ok(await start(stage, run));
  assert.ok(await recordExit(stage.database, run, exitRecord));
  return { ...run, state: 'collecting' };
}

test('a review goes before the instructions that wait, which then go on', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage);
  await instruct(stage, taskId, 'and then this');
  assert.equal((await ask(stage, taskId)).kind, 'reviewing');
  assert.equal(await claim(stage, 'follow_ups'), undefined);
  const again = await instruct(stage, taskId, 'not now');
  assert.deepEqual(again, { kind: 'refused', state: 'reviewing', cancelling: false });
  assert.ok(await finish(stage, await claimed(stage)));
  assert.equal(await taskState(stage, taskId), 'awaiting_instruction');
  assert.equal((await claim(stage, 'follow_ups'))?.prompt, 'and then this');
});

test('work that is not finished cannot be reviewed', async (t) => {
  const stage = await setStage(t);
  for (const state of ['preparing', 'running', 'collecting'] as const) {
    const { taskId } = await storeLiveRun(stage, state);
    const before = await pictureOf(stage, taskId);
    assert.equal((await ask(stage, taskId)).kind, 'refused', state);
    assert.equal(await pictureOf(stage, taskId), before);
  }
  const { taskId } = await completed(stage);
  await stage.database.kysely
    .updateTable('tasks')
    .set({ state: 'creating_pr', deadline_at: new Date() })
    .where('id', '=', taskId)
    .execute();
  assert.deepEqual(await ask(stage, taskId), { kind: 'refused', state: 'creating_pr', cancelling: false });
  assert.equal((await ask(stage, systemIds.random())).kind, 'unknown');
});

test('a review does not come between an instruction and the worker that has taken it', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage);
  await instruct(stage, taskId, 'and then this');
  const run = await claim(stage, 'follow_ups');
  assert.ok(run);
  assert.equal(await taskState(stage, taskId), 'awaiting_instruction');
  const refused = { kind: 'refused', state: 'running', cancelling: false };
  assert.deepEqual(await ask(stage, taskId), refused);
  assert.ok(await start(stage, run), 'the instruction goes on');
});

test('a review that fails leaves the work finished, and says so; one that may pass is tried again', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage);
  const first = await collecting(stage, taskId);
  const retry = { runId: systemIds.ordered(), inMs: 0, attempt: 2 };
  assert.ok(await failReview(stage.database, first, failure, { retry, events: [], durationMs: 0 }));
  assert.equal(await taskState(stage, taskId), 'reviewing');
  const second = await claimed(stage);
  assert.deepEqual(
    [second.runId, second.aside, second.attempt, second.firstAttempt],
    [retry.runId, true, 2, 1],
  );
  const events = [{ type: 'review_failed' as const, data: { failure } }];
  assert.ok(await failReview(stage.database, second, failure, { events, durationMs: 10 }));
  const task = await showTask(stage, taskId);
  assert.deepEqual([task.state, task.failure, task.review], ['completed', null, null]);
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'review_failed');
  assert.equal(await failReview(stage.database, second, failure, { events, durationMs: 10 }), false);
  const third = await collecting(stage, taskId);
  assert.deepEqual([third.attempt, third.firstAttempt, third.parkedBefore], [3, 3, 0]);
});

test('a cancelled review, queued or live, leaves the work finished and the instructions waiting', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage);
  await instruct(stage, taskId, 'later');
  await ask(stage, taskId);
  assert.equal((await cancelTask(stage.database, taskId, ['reviewing'])).kind, 'cancelled');
  assert.equal(await taskState(stage, taskId), 'awaiting_instruction');
  assert.deepEqual((await eventTypes(stage, taskId)).at(-1), 'review_canceled');

  await ask(stage, taskId);
  const live = await claimed(stage);
  assert.equal((await cancelTask(stage.database, taskId, ['reviewing'])).kind, 'asked');
  assert.equal(await finish(stage, live), false);
  assert.ok(await cancelReview(stage.database, live, 5));
  const task = await showTask(stage, taskId);
  assert.deepEqual([task.state, task.review], ['awaiting_instruction', null]);
  assert.equal((await claim(stage, 'follow_ups'))?.prompt, 'later');
});

test('a review whose worker is lost three times is given up, and one that nobody takes in time', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage);
  await ask(stage, taskId);
  for (const ended of ['lost', 'lost', 'failed'] as const) {
    const next = (await runsOf(stage, taskId)).at(-1);
    await age(stage, 'runs', 'available_at', { id: next?.id ?? '', seconds: 5 });
    const run = await claim(stage);
    assert.ok(run);
    await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 60 });
    assert.equal((await sweepRun(stage.database, systemIds.ordered()))?.ended, ended);
  }
  assert.equal(await taskState(stage, taskId), 'completed');
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'review_failed');

  await ask(stage, taskId);
  await age(stage, 'tasks', 'deadline_at', { id: taskId, seconds: 100_000 });
  assert.equal(await sweepTask(stage.database), taskId);
  assert.equal(await taskState(stage, taskId), 'completed');
  assert.equal(await claim(stage), undefined);
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'review_failed');
});

test('the end of a review is told to the callback once more, with what it found', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage, { callbackUrl: 'https://receiver.example/x' });
  assert.ok(await finish(stage, await collecting(stage, taskId)));
  assert.ok(await finish(stage, await collecting(stage, taskId)));
  const told = await stage.database.kysely
    .selectFrom('effects')
    .select(['payload'])
    .where('task_id', '=', taskId)
    .where('kind', '=', 'callback')
    .orderBy('created_at')
    .execute();
  const reviews = told.map(({ payload }) => ('review' in payload ? payload.review : undefined));
  assert.deepEqual(reviews, [null, result, result]);
});

test('a callback tells of the iteration that was reviewed, also where the next has begun and is tried again', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await completed(stage, { callbackUrl: 'https://receiver.example/x' });
  await instruct(stage, taskId, 'and then this');
  const next = await claim(stage, 'follow_ups');
  assert.ok(next);
  const retry = { runId: systemIds.ordered(), inMs: 60_000, attempt: 2 };
  assert.ok(await failRun(stage.database, next, { ...failure, retryable: true }, { retry, durationMs: 0 }));
  assert.equal(await taskState(stage, taskId), 'awaiting_instruction');
  const run = await collecting(stage, taskId);
  assert.ok(await finish(stage, run));
  const told = await stage.database.kysely
    .selectFrom('effects')
    .select('payload')
    .where('task_id', '=', taskId)
    .where('kind', '=', 'callback')
    .orderBy('created_at', 'desc')
    .executeTakeFirst();
  assert.partialDeepStrictEqual(told?.payload, { event: 'task.completed', iteration: 1, review: result });
});
