import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from '../../src/lib/ids.ts';
import { claimRun } from '../../src/store/claim-run.ts';
import { leaseEffect, type LeasedEffect } from '../../src/store/effects.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { instructTask } from '../../src/store/instruct-task.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { publishTask, type PublishRequest } from '../../src/store/publish-task.ts';
import { settlePullRequest, type PullRequestSettlement } from '../../src/store/settle-pull-request.ts';
import { settlePush } from '../../src/store/settle-push.ts';
import { findTask } from '../../src/store/tasks.ts';
import {
  eventTypes,
  exitRecord,
  noLimits,
  setStage,
  start,
  storeLiveRun,
  successOf,
  workCommit,
  type Stage,
} from '../support/stored-tasks.ts';

const branch = 'codeforge/mend-it-12345678';
const opened = {
  kind: 'open',
  number: 42,
  url: 'https://forge.example/ada/project/pull/42',
  base: 'main',
  how: 'opened',
  labelsRefused: undefined,
} as const satisfies PullRequestSettlement;

function request(taskId: string, more: Partial<PublishRequest> = {}): PublishRequest {
  return {
    taskId,
    pushEffectId: systemIds.ordered(),
    wish: {
      effectId: systemIds.ordered(),
      title: 'Mend it',
      body: '',
      overwrite: [],
      base: null,
      draft: false,
      labels: ['bot'],
    },
    firstBranch: branch,
    idempotency: null,
    ...more,
  };
}

/** A task that a person may publish. */
async function finished(stage: Stage, changes = successOf(branch).work?.changes): Promise<string> {
  const run = await storeLiveRun(stage, 'collecting');
  const { work, ...success } = successOf(branch);
  assert.ok(work && changes);
  assert.ok(
    await finishRun(stage.database, run, { ...success, work: { ...work, changes }, push: undefined }),
  );
  return run.taskId;
}

async function lease<Kind extends LeasedEffect['kind']>(
  { database, workerId }: Stage,
  kind: Kind,
): Promise<LeasedEffect & { readonly kind: Kind }> {
  const effect = await leaseEffect(database, workerId);
  assert.equal(effect?.kind, kind);
  return effect as LeasedEffect & { readonly kind: Kind };
}

/** Takes the oldest waiting instruction to its end; its work publishes by itself. */
async function workOn(stage: Stage): Promise<void> {
  const { database, workerId } = stage;
  const run = await claimRun(database, workerId, 'follow_ups', { capabilities: [], limits: noLimits });
  assert.ok(run, 'no instruction waits');
  assert.ok(await start(stage, run));
  assert.ok(await recordExit(database, run, exitRecord));
  const { push, ...success } = successOf(branch);
  const { wish } = request(run.taskId);
  assert.ok(push);
  assert.ok(
    await finishRun(
      database,
      { ...run, state: 'collecting' },
      { ...success, push: { ...push, expected: workCommit, pullRequest: wish } },
    ),
  );
}

async function show({ database, ownerId }: Stage, taskId: string) {
  const task = await findTask(database, { userId: ownerId, isAdmin: true }, { id: taskId });
  assert.ok(task);
  return task;
}

test('a finished task goes to its branch, then to its pull request, and ends there', async (t) => {
  const stage = await setStage(t);
  const taskId = await finished(stage);
  assert.deepEqual(await publishTask(stage.database, request(taskId)), { kind: 'wanted', added: true });
  assert.equal((await show(stage, taskId)).state, 'creating_pr');
  const push = await lease(stage, 'push');
  assert.deepEqual(
    [push.payload.commit, push.payload.branch, push.payload.expected],
    [workCommit, branch, null],
  );
  assert.ok(await settlePush(stage.database, push, { kind: 'pushed' }));
  assert.equal((await show(stage, taskId)).state, 'creating_pr', 'a branch alone is not what was asked for');
  const effect = await lease(stage, 'pull_request');
  assert.deepEqual(
    [effect.payload.title, effect.payload.branch, effect.payload.known, effect.payload.labels],
    ['Mend it', branch, null, ['bot']],
  );
  assert.ok(await settlePullRequest(stage.database, effect, opened));
  const task = await show(stage, taskId);
  assert.deepEqual(
    [task.state, task.pullRequestNumber, task.pullRequestUrl, task.branch],
    ['pr_created', 42, opened.url, branch],
  );
  assert.ok(task.finishedAt);
  const types = await eventTypes(stage, taskId);
  assert.deepEqual(types.slice(-2), ['branch_pushed', 'pull_request_opened']);
  assert.equal(await settlePullRequest(stage.database, effect, opened), false, 'it is settled once');
});

test('of two calls at once one is refused, and one publishes', async (t) => {
  const stage = await setStage(t);
  const taskId = await finished(stage);
  const answers = await Promise.all([1, 2, 3].map(() => publishTask(stage.database, request(taskId))));
  const kinds = answers.map(({ kind }) => kind).sort();
  assert.deepEqual(kinds, ['refused', 'refused', 'wanted']);
  await lease(stage, 'push');
  assert.equal(await leaseEffect(stage.database, stage.workerId), undefined);
});

test('a call that is repeated under its key asks for nothing new, in whatever state the task is', async (t) => {
  const stage = await setStage(t);
  const taskId = await finished(stage);
  const idempotency = { ownerId: stage.ownerId, route: 'create-pr', key: 'k', bodyHash: 'h' };
  const again = (): ReturnType<typeof publishTask> =>
    publishTask(stage.database, request(taskId, { idempotency }));
  assert.deepEqual(await again(), { kind: 'wanted', added: true });
  assert.deepEqual(await again(), { kind: 'wanted', added: false });
  await settlePush(stage.database, await lease(stage, 'push'), { kind: 'pushed' });
  await settlePullRequest(stage.database, await lease(stage, 'pull_request'), opened);
  assert.deepEqual(await again(), { kind: 'wanted', added: false });
  const other = request(taskId, { idempotency: { ...idempotency, bodyHash: 'another' } });
  assert.deepEqual(await publishTask(stage.database, other), { kind: 'mismatch' });
});

test('without changes there is nothing to publish', async (t) => {
  const stage = await setStage(t);
  const nothing = { filesModified: 0, filesCreated: 0, filesDeleted: 0, insertions: 0, deletions: 0 };
  const taskId = await finished(stage, nothing);
  assert.deepEqual(await publishTask(stage.database, request(taskId)), { kind: 'no_changes' });
  assert.equal((await show(stage, taskId)).state, 'completed', 'and nothing has changed');
});

test('a branch that was deleted at the forge is pushed anew', async (t) => {
  const stage = await setStage(t);
  const taskId = await finished(stage);
  await publishTask(stage.database, request(taskId));
  const first = await lease(stage, 'push');
  const newEffectId = systemIds.ordered();
  assert.ok(await settlePush(stage.database, first, { kind: 'gone', newEffectId }));
  const second = await lease(stage, 'push');
  assert.deepEqual(
    [second.effectId, second.payload.branch, second.payload.expected, second.payload.pullRequest?.title],
    [newEffectId, branch, null, 'Mend it'],
  );
});

test('a pull request that the forge refuses fails the task, in the words that clients know', async (t) => {
  const stage = await setStage(t);
  const taskId = await finished(stage);
  await publishTask(stage.database, request(taskId));
  await settlePush(stage.database, await lease(stage, 'push'), { kind: 'pushed' });
  const failure = {
    code: 'pull_request_failed',
    phase: 'deliver',
    retryable: false,
    message: 'PR creation failed: the branch main is gone',
  } as const;
  const effect = await lease(stage, 'pull_request');
  assert.ok(await settlePullRequest(stage.database, effect, { kind: 'failed', failure }));
  const task = await show(stage, taskId);
  assert.deepEqual([task.state, task.failure?.message], ['failed', failure.message]);
  assert.deepEqual((await eventTypes(stage, taskId)).slice(-1), ['task_failed']);
});

test('after a follow-up the pull request that there is is known, and another number replaces it', async (t) => {
  const stage = await setStage(t);
  const taskId = await finished(stage);
  await publishTask(stage.database, request(taskId));
  await settlePush(stage.database, await lease(stage, 'push'), { kind: 'pushed' });
  await settlePullRequest(stage.database, await lease(stage, 'pull_request'), opened);
  const followUp = { taskId, runId: systemIds.ordered(), prompt: 'and tests', idempotency: null };
  assert.equal((await instructTask(stage.database, followUp)).kind, 'instructed');
  await stage.database.kysely
    .updateTable('tasks')
    .set({ state: 'running' })
    .where('id', '=', taskId)
    .execute();
  await stage.database.kysely
    .updateTable('tasks')
    .set({ state: 'completed', deadline_at: null })
    .where('id', '=', taskId)
    .execute();
  assert.deepEqual(await publishTask(stage.database, request(taskId)), { kind: 'wanted', added: true });
  const push = await lease(stage, 'push');
  assert.equal(push.payload.expected, workCommit, 'the branch is compared with what was pushed');
  await settlePush(stage.database, push, { kind: 'pushed' });
  const effect = await lease(stage, 'pull_request');
  assert.equal(effect.payload.known, 42);
  const replaced = { ...opened, number: 43, url: `${opened.url}3`, labelsRefused: 'no right to' };
  assert.ok(await settlePullRequest(stage.database, effect, replaced));
  assert.equal((await show(stage, taskId)).pullRequestNumber, 43);
  assert.deepEqual((await eventTypes(stage, taskId)).slice(-2), ['labels_refused', 'pull_request_replaced']);
});

test('of several instructions that wait each is published, to the one pull request', async (t) => {
  const stage = await setStage(t);
  const taskId = await finished(stage);
  await publishTask(stage.database, request(taskId));
  await settlePush(stage.database, await lease(stage, 'push'), { kind: 'pushed' });
  await settlePullRequest(stage.database, await lease(stage, 'pull_request'), opened);
  for (const prompt of ['two', 'three']) {
    const instruction = { taskId, runId: systemIds.ordered(), prompt, idempotency: null };
    assert.equal((await instructTask(stage.database, instruction)).kind, 'instructed');
  }
  for (const state of ['awaiting_instruction', 'pr_created']) {
    await workOn(stage);
    assert.ok(await settlePush(stage.database, await lease(stage, 'push'), { kind: 'pushed' }));
    const effect = await lease(stage, 'pull_request');
    assert.ok(await settlePullRequest(stage.database, effect, { ...opened, how: 'found' }));
    assert.equal((await show(stage, taskId)).state, state);
  }
  const types = await eventTypes(stage, taskId);
  assert.equal(types.filter((type) => type === 'pull_request_updated').length, 2);
});
