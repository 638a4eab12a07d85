import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { WorkflowStepKind } from '../../src/domain/workflow.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { leaseEffect, releaseOwnEffects, type EffectOf } from '../../src/store/effects.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { settlePullRequest } from '../../src/store/settle-pull-request.ts';
import { settlePush } from '../../src/store/settle-push.ts';
import { publishTask } from '../../src/store/publish-task.ts';
import { cancelWorkflowRun, findForgottenTask, findOpenRuns } from '../../src/store/workflow-cancel.ts';
import { insertWorkflowRun, type NewWorkflowRun } from '../../src/store/workflow-runs.ts';
import { beginStep, nameStepTask, settleStep } from '../../src/store/workflow-steps.ts';
import { sweepWorkflowRun } from '../../src/store/workflow-sweep.ts';
import { age, eventTypes, setStage, storeLiveRun, successOf, type Stage } from '../support/stored-tasks.ts';

const kinds: readonly WorkflowStepKind[] = ['fetch', 'task', 'action'];

function newRun({ ownerId }: Stage, more: Partial<NewWorkflowRun> = {}): NewWorkflowRun {
  const bytes = Buffer.from('sealed');
  return {
    runId: systemIds.ordered(),
    ownerId,
    workflowName: 'mend',
    params: { item: '7' },
    plan: { id: systemIds.ordered(), keyId: 'key', nonce: bytes, ciphertext: bytes },
    steps: kinds.map((kind) => ({ name: kind, kind })),
    traceId: 'trace',
    idempotency: null,
    ...more,
  };
}

async function start(t: TestContext, more?: Partial<NewWorkflowRun>) {
  const stage = await setStage(t);
  const run = newRun(stage, more);
  assert.equal((await insertWorkflowRun(stage.database, run)).kind, 'created');
  return { stage, runId: run.runId, run };
}

async function leaseStep({ database, workerId }: Stage): Promise<EffectOf<'workflow_step'>> {
  const effect = await leaseEffect(database, workerId, { kinds: ['workflow_step'] });
  assert.ok(effect?.kind === 'workflow_step', 'a step is due');
  return effect;
}

/** The step's request is made and settled. */
async function fetchStep(stage: Stage): Promise<void> {
  const effect = await leaseStep(stage);
  assert.ok(await beginStep(stage.database, effect));
  assert.deepEqual(
    await settleStep(stage.database, effect, { kind: 'completed', outputs: { title: 'a bug' } }),
    {},
  );
}

/** The second step's task, at work. */
async function storeStepTask(stage: Stage, runId: string) {
  return storeLiveRun(stage, 'collecting', { workflow: { runId, position: 1 } });
}

async function stepsOf({ database }: Stage, runId: string) {
  return database.kysely
    .selectFrom('workflow_steps')
    .select(['state', 'task_id', 'outputs', 'error'])
    .where('run_id', '=', runId)
    .orderBy('position')
    .execute();
}

async function statesOf(stage: Stage, runId: string): Promise<string> {
  const run = await stage.database.kysely
    .selectFrom('workflow_runs')
    .select(['state', 'failure'])
    .where('id', '=', runId)
    .executeTakeFirstOrThrow();
  const steps = await stepsOf(stage, runId);
  const states = [run.state, ...steps.map(({ state }) => state)].join(' ');
  return run.failure === null ? states : `${states}: ${run.failure}`;
}

async function openEffects({ database }: Stage, runId: string): Promise<number> {
  const rows = await database.kysely
    .selectFrom('effects')
    .select('id')
    .where('workflow_run_id', '=', runId)
    .where('state', 'in', ['waiting', 'leased'])
    .execute();
  return rows.length;
}

test('a run goes from step to step: what ends one inserts the next', async (t) => {
  const { stage, runId } = await start(t);
  const { database } = stage;
  assert.equal(await statesOf(stage, runId), 'pending pending pending pending');
  await fetchStep(stage);

  const creating = await leaseStep(stage);
  const begun = await beginStep(database, creating);
  assert.deepEqual(begun?.outputs.get('fetch'), { title: 'a bug' });
  const task = await storeStepTask(stage, runId);
  assert.deepEqual(await settleStep(database, creating, { kind: 'begun', taskId: task.taskId }), {});
  assert.equal(await openEffects(stage, runId), 0, 'the task is what the run waits for');
  assert.ok(await finishRun(database, task, successOf()));
  assert.equal(await statesOf(stage, runId), 'running completed completed pending');

  const publishing = await leaseStep(stage);
  assert.equal((await beginStep(database, publishing))?.tasks.get('task'), task.taskId);
  assert.ok(await nameStepTask(database, publishing, task.taskId));
  const wish = { effectId: systemIds.ordered(), title: 't', body: 'b', overwrite: [], base: 'main' };
  const asked = { wish: { ...wish, draft: false, labels: [] }, firstBranch: 'b', idempotency: null };
  await publishTask(database, { taskId: task.taskId, pushEffectId: systemIds.ordered(), ...asked });
  assert.deepEqual(await settleStep(database, publishing, { kind: 'begun', taskId: task.taskId }), {});
  const push = await leaseEffect(database, stage.workerId, { kinds: ['push'] });
  assert.ok(push?.kind === 'push' && (await settlePush(database, push, { kind: 'pushed' })));
  const opening = await leaseEffect(database, stage.workerId, { kinds: ['pull_request'] });
  assert.ok(opening?.kind === 'pull_request');
  const open = { kind: 'open', number: 9, url: 'https://forge.example/9', base: 'main' } as const;
  await settlePullRequest(database, opening, { ...open, how: 'opened', labelsRefused: undefined });

  assert.equal(await statesOf(stage, runId), 'completed completed completed completed');
  assert.deepEqual((await stepsOf(stage, runId)).at(-1)?.outputs, {
    pr_url: 'https://forge.example/9',
    pr_number: 9,
    branch: 'b',
  });
  assert.deepEqual(await eventTypes(stage, runId), [
    'workflow_started',
    'step_started',
    'step_completed',
    'step_started',
    'step_task_created',
    'step_completed',
    'step_started',
    'step_completed',
    'workflow_completed',
  ]);
});

test('a task that ends before its creator has said so ends the step, once', async (t) => {
  const { stage, runId } = await start(t);
  await fetchStep(stage);
  const creating = await leaseStep(stage);
  await beginStep(stage.database, creating);
  const task = await storeStepTask(stage, runId);
  assert.ok(await finishRun(stage.database, task, successOf()));
  assert.equal(await statesOf(stage, runId), 'running completed completed pending');
  // Whoever created its task has nothing to add; and whatever a person has the task do next is not to be stopped.
  assert.deepEqual(await settleStep(stage.database, creating, { kind: 'begun', taskId: task.taskId }), {});
  assert.equal(await statesOf(stage, runId), 'running completed completed pending');
  assert.equal(await openEffects(stage, runId), 1);
});

test('a step that is begun again after a kill tells of its beginning once', async (t) => {
  const { stage, runId } = await start(t);
  const first = await leaseStep(stage);
  assert.ok(await beginStep(stage.database, first));
  await releaseOwnEffects(stage.database, stage.workerId);
  assert.ok(await beginStep(stage.database, await leaseStep(stage)));
  assert.equal(
    await settleStep(stage.database, first, { kind: 'completed', outputs: {} }),
    false,
    'who lost the lease settles nothing',
  );
  assert.deepEqual(await eventTypes(stage, runId), ['workflow_started', 'step_started']);
});

test('a step that fails fails the run, and what is behind it is skipped', async (t) => {
  const { stage, runId } = await start(t);
  const effect = await leaseStep(stage);
  await beginStep(stage.database, effect);
  await settleStep(stage.database, effect, { kind: 'failed', error: 'the server answered 500' });
  assert.equal(await statesOf(stage, runId), 'failed failed skipped skipped: fetch: the server answered 500');
  assert.equal(await openEffects(stage, runId), 0);
  const plans = await stage.database.kysely.selectFrom('secrets').select('id').execute();
  assert.deepEqual(plans, [], 'what was sealed for the run has gone with it');
});

test('a run that has not begun is cancelled at once', async (t) => {
  const { stage, runId } = await start(t);
  assert.deepEqual(await cancelWorkflowRun(stage.database, runId), { kind: 'wanted' });
  assert.equal(await statesOf(stage, runId), 'cancelled skipped skipped skipped');
  assert.equal(await openEffects(stage, runId), 0);
  assert.deepEqual(await cancelWorkflowRun(stage.database, runId), { kind: 'over' });
});

test('a cancelled run whose request is under way ends with it', async (t) => {
  const { stage, runId } = await start(t);
  const effect = await leaseStep(stage);
  await beginStep(stage.database, effect);
  assert.deepEqual(await cancelWorkflowRun(stage.database, runId), { kind: 'wanted' });
  assert.equal(await statesOf(stage, runId), 'running running pending pending');
  await settleStep(stage.database, effect, { kind: 'completed', outputs: {} });
  assert.equal(await statesOf(stage, runId), 'cancelled completed skipped skipped');
});

test('a cancelled run whose process died is ended by whoever takes its step up', async (t) => {
  const { stage, runId } = await start(t);
  await beginStep(stage.database, await leaseStep(stage));
  await cancelWorkflowRun(stage.database, runId);
  await releaseOwnEffects(stage.database, stage.workerId);
  assert.equal(await beginStep(stage.database, await leaseStep(stage)), undefined);
  assert.equal(await statesOf(stage, runId), 'cancelled cancelled skipped skipped');
  assert.equal(await openEffects(stage, runId), 0);
});

test('the task of a cancelled run is found by the sweeper until somebody has stopped it', async (t) => {
  const { stage, runId } = await start(t);
  await fetchStep(stage);
  const creating = await leaseStep(stage);
  await beginStep(stage.database, creating);
  const task = await storeStepTask(stage, runId);
  await settleStep(stage.database, creating, { kind: 'begun', taskId: task.taskId });
  assert.deepEqual(await cancelWorkflowRun(stage.database, runId), { kind: 'wanted', taskId: task.taskId });
  const states = ['running'] as const;
  assert.equal(await findForgottenTask(stage.database, states), task.taskId);
  await cancelTask(stage.database, task.taskId, states);
  assert.equal(await findForgottenTask(stage.database, states), undefined);
});

test('a task that was created for a run which was cancelled meanwhile is to be stopped', async (t) => {
  const { stage, runId } = await start(t);
  await fetchStep(stage);
  const creating = await leaseStep(stage);
  await beginStep(stage.database, creating);
  const { taskId } = await storeStepTask(stage, runId);
  await cancelWorkflowRun(stage.database, runId);
  assert.deepEqual(await settleStep(stage.database, creating, { kind: 'begun', taskId }), { stop: taskId });
});

test('a task that a person cancels ends its run as cancelled', async (t) => {
  const { stage, runId } = await start(t);
  await fetchStep(stage);
  const creating = await leaseStep(stage);
  await beginStep(stage.database, creating);
  const { taskId } = await storeStepTask(stage, runId);
  await settleStep(stage.database, creating, { kind: 'begun', taskId });
  const database = stage.database.kysely;
  await database
    .updateTable('runs')
    .set({ state: 'cancelled', ended_at: new Date(), deadline_at: null })
    .where('task_id', '=', taskId)
    .execute();
  assert.equal((await cancelTask(stage.database, taskId, ['running'])).kind, 'cancelled');
  assert.equal(await statesOf(stage, runId), 'cancelled completed cancelled skipped');
});

test('of two requests with one key one starts a run', async (t) => {
  const idempotency = { key: 'once', bodyHash: 'a' };
  const { stage, runId } = await start(t, { idempotency });
  const again = await insertWorkflowRun(stage.database, newRun(stage, { idempotency }));
  assert.ok(again.kind === 'kept' && again.isSame && again.runId === runId);
  const other = newRun(stage, { idempotency: { key: 'once', bodyHash: 'b' } });
  const refused = await insertWorkflowRun(stage.database, other);
  assert.ok(refused.kind === 'kept' && !refused.isSame);
  const viewer = { userId: stage.ownerId, isAdmin: false };
  assert.deepEqual(await findOpenRuns(stage.database, viewer, 'mend'), [runId]);
});

test('nothing waits for ever: a run and the beginning of a step have deadlines', async (t) => {
  const { stage, runId } = await start(t);
  assert.equal(await sweepWorkflowRun(stage.database), undefined);
  const [effect] = await stage.database.kysely.selectFrom('effects').select('id').execute();
  await age(stage, 'effects', 'deadline_at', { id: effect?.id ?? '', seconds: 7 * 3_600 });
  assert.deepEqual(await sweepWorkflowRun(stage.database), { runId, taskId: null });
  assert.match(await statesOf(stage, runId), /^failed failed skipped skipped: fetch: the step could not be/u);

  const late = newRun(stage);
  await insertWorkflowRun(stage.database, late);
  await stage.database.kysely
    .updateTable('workflow_runs')
    .set({ deadline_at: new Date(0) })
    .where('id', '=', late.runId)
    .execute();
  assert.deepEqual(await sweepWorkflowRun(stage.database), { runId: late.runId, taskId: null });
  assert.equal(await sweepWorkflowRun(stage.database), undefined);
});
