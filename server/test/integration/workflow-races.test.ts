import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { leaseEffect, releaseOwnEffects, type EffectOf } from '../../src/store/effects.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { cancelWorkflowRun, findForgottenTask } from '../../src/store/workflow-cancel.ts';
import { tellOfEnd } from '../../src/store/tell-of-end.ts';
import { insertWorkflowRun } from '../../src/store/workflow-runs.ts';
import { beginStep, nameStepTask, settleStep } from '../../src/store/workflow-steps.ts';
import { sweepWorkflowRun, type SweptWorkflowRun } from '../../src/store/workflow-sweep.ts';
import { setStage, storeLiveRun, successOf, type Stage } from '../support/stored-tasks.ts';

async function storeRun({ database, ownerId }: Stage, kinds: readonly ('task' | 'action')[]) {
  const runId = systemIds.ordered();
  const bytes = Buffer.from('sealed');
  await insertWorkflowRun(database, {
    runId,
    ownerId,
    workflowName: 'mend',
    params: {},
    plan: { id: systemIds.ordered(), keyId: 'key', nonce: bytes, ciphertext: bytes },
    steps: kinds.map((kind, position) => ({ name: `${kind}${position}`, kind })),
    traceId: 'trace',
    idempotency: null,
  });
  return runId;
}

async function leaseStep({ database, workerId }: Stage): Promise<EffectOf<'workflow_step'>> {
  const effect = await leaseEffect(database, workerId, { kinds: ['workflow_step'] });
  assert.ok(effect?.kind === 'workflow_step', 'a step is due');
  return effect;
}

/** A run at its task, whose creator dies before it could say which task that is. */
async function dieBehindTask(stage: Stage, runId: string): Promise<string> {
  const { taskId } = await storeLiveRun(stage, 'running', { workflow: { runId, position: 0 } });
  await releaseOwnEffects(stage.database, stage.workerId);
  return taskId;
}

async function stateOf({ database }: Stage, runId: string): Promise<string> {
  const { kysely } = database;
  const run = kysely.selectFrom('workflow_runs').select('state').where('id', '=', runId);
  const steps = kysely.selectFrom('workflow_steps').select('state').where('run_id', '=', runId);
  const rows = [await run.executeTakeFirstOrThrow(), ...(await steps.orderBy('position').execute())];
  return rows.map(({ state }) => state).join(' ');
}

test('a cancel finds the task of a step whose creator died, and the run ends with that task', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const runId = await storeRun(stage, ['task']);
  await beginStep(database, await leaseStep(stage));
  const taskId = await dieBehindTask(stage, runId);
  assert.deepEqual(await cancelWorkflowRun(database, runId), { kind: 'wanted', taskId });
  assert.equal(await stateOf(stage, runId), 'running running');
  await stopTask(stage, taskId);
  assert.equal(await stateOf(stage, runId), 'cancelled cancelled');
});

test('the task of a cancelled step whose creator died is found by the sweeper', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const runId = await storeRun(stage, ['task']);
  await beginStep(database, await leaseStep(stage));
  await cancelWorkflowRun(database, runId);
  const taskId = await dieBehindTask(stage, runId);
  assert.equal(await beginStep(database, await leaseStep(stage)), undefined);
  assert.equal(await findForgottenTask(database, ['running']), taskId);
  await stopTask(stage, taskId);
  assert.equal(await stateOf(stage, runId), 'cancelled cancelled');
  assert.equal(await findForgottenTask(database, ['running']), undefined);
});

test('a run that took too long names the task of a step whose creator died', async (t) => {
  const stage = await setStage(t);
  const runId = await storeRun(stage, ['task']);
  await beginStep(stage.database, await leaseStep(stage));
  const taskId = await dieBehindTask(stage, runId);
  const late = stage.database.kysely.updateTable('workflow_runs').set({ deadline_at: new Date(0) });
  await late.where('id', '=', runId).execute();
  assert.deepEqual(await sweepWorkflowRun(stage.database), { runId, taskId });
});

test('who lost its lease and then creates a task of a run that is over is told to stop that', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const runId = await storeRun(stage, ['task']);
  const slow = await leaseStep(stage);
  await beginStep(database, slow);
  await releaseOwnEffects(database, stage.workerId);
  assert.deepEqual(await cancelWorkflowRun(database, runId), { kind: 'wanted' });
  const { taskId } = await storeLiveRun(stage, 'running', { workflow: { runId, position: 0 } });
  assert.deepEqual(await settleStep(database, slow, { kind: 'begun', taskId }), { stop: taskId });
});

/** The task's live run ends, and it with it, as its worker does when somebody wants that. */
async function stopTask({ database }: Stage, taskId: string): Promise<void> {
  const end = { state: 'cancelled' as const, ended_at: new Date(), deadline_at: null };
  await database.kysely.updateTable('runs').set(end).where('task_id', '=', taskId).execute();
  assert.equal((await cancelTask(database, taskId, ['running'])).kind, 'cancelled');
}

test('a task that ends while an action says that it is about it is not waited for by both', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const runId = await storeRun(stage, ['task', 'action']);
  const creating = await leaseStep(stage);
  await beginStep(database, creating);
  const task = await storeLiveRun(stage, 'collecting', { workflow: { runId, position: 0 } });
  await settleStep(database, creating, { kind: 'begun', taskId: task.taskId });
  assert.ok(await finishRun(database, task, successOf()));
  const naming = await leaseStep(stage);
  await beginStep(database, naming);
  let named: Promise<boolean> | undefined;
  await database.transaction(async (tx) => {
    await tx.selectFrom('tasks').select('id').where('id', '=', task.taskId).forUpdate().execute();
    named = nameStepTask(database, naming, task.taskId);
    await untilSomebodyWaits(stage);
    await tellOfEnd(tx, task.taskId);
  });
  assert.equal(await named, true);
});

test('a step that is taken up at the last moment is not given up', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const runId = await storeRun(stage, ['task']);
  const effects = database.kysely.updateTable('effects').set({ deadline_at: new Date(0) });
  await effects.where('workflow_run_id', '=', runId).execute();
  let swept: Promise<SweptWorkflowRun | undefined> | undefined;
  await database.transaction(async (tx) => {
    await tx.selectFrom('workflow_runs').select('id').where('id', '=', runId).forUpdate().execute();
    swept = sweepWorkflowRun(database);
    await untilSomebodyWaits(stage);
    await leaseStep(stage);
  });
  assert.equal(await swept, undefined);
  assert.equal(await stateOf(stage, runId), 'pending pending');
});

async function untilSomebodyWaits({ database }: Stage): Promise<void> {
  for (;;) {
    const { rows } = await sql<object>`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
      database.kysely,
    );
    if (rows.length > 0) return;
  }
}
