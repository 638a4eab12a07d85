import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pushEffectKey } from '../../src/domain/effect-state.ts';
import { systemIds } from '../../src/lib/ids.ts';
import {
  leaseEffect,
  postponeEffect,
  releaseOwnEffects,
  renewEffects,
  type EffectOf,
} from '../../src/store/effects.ts';
import { ensureWorker } from '../../src/store/owners.ts';
import { settlePush, type PushSettlement } from '../../src/store/settle-push.ts';
import { findTask } from '../../src/store/tasks.ts';
import {
  age,
  baseCommit,
  eventTypes,
  pictureOf,
  setStage,
  storeWaitingPush,
  taskState,
  workCommit,
  type Stage,
} from '../support/stored-tasks.ts';

async function lease(stage: Stage): Promise<EffectOf<'push'> | undefined> {
  const effect = await leaseEffect(stage.database, stage.workerId);
  if (effect === undefined) return undefined;
  assert.ok(effect.kind === 'push');
  return effect;
}

async function leased(stage: Stage): Promise<EffectOf<'push'>> {
  const effect = await lease(stage);
  assert.ok(effect, 'no effect is due');
  return effect;
}

const effectRows = ({ database }: Stage, taskId: string) =>
  database.kysely.selectFrom('effects').selectAll().where('task_id', '=', taskId).orderBy('id').execute();

const settlements = (): readonly PushSettlement[] => [
  { kind: 'pushed' },
  { kind: 'taken', next: 'codeforge/mend-it-1', newEffectId: systemIds.ordered() },
  { kind: 'failed', failure: { code: 'push_rejected', phase: 'deliver', retryable: false, message: 'no' } },
];

test('a leased effect brings what its handler needs', async (t) => {
  const stage = await setStage(t);
  const run = await storeWaitingPush(stage);
  const effect = await leased(stage);
  assert.deepEqual(
    [
      effect.taskId,
      effect.runId,
      effect.generation,
      effect.attempts,
      effect.baseCommit,
      effect.payload.commit,
    ],
    [run.taskId, run.runId, 1, 1, baseCommit, workCommit],
  );
  assert.ok(effect.bundleBlobId);
  assert.equal(await lease(stage), undefined);
});

test('sixteen who ask at once lease each effect once, the one that waited longest first', async (t) => {
  const stage = await setStage(t, 16);
  for (let index = 0; index < 20; index += 1) await storeWaitingPush(stage);
  const all: EffectOf<'push'>[] = [];
  const taker = async (): Promise<void> => {
    for (let effect = await lease(stage); effect !== undefined; effect = await lease(stage)) all.push(effect);
  };
  await Promise.all(Array.from({ length: 16 }, taker));
  assert.equal(new Set(all.map((effect) => effect.effectId)).size, 20);
  assert.equal(all.length, 20);
});

test('a renewed lease stays, a lapsed one is taken over, and who lost it renews and settles nothing', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeWaitingPush(stage);
  const first = await leased(stage);
  const client = await stage.database.connect(() => undefined);
  t.after(() => client.end());
  await age(stage, 'effects', 'lease_until', { id: first.effectId, seconds: 9 });
  assert.deepEqual(await renewEffects(client, [first]), new Set([first.effectId]));
  await age(stage, 'effects', 'lease_until', { id: first.effectId, seconds: 9 });
  assert.equal(await lease(stage), undefined, 'it was renewed');
  await age(stage, 'effects', 'lease_until', { id: first.effectId, seconds: 9 });
  const second = await leased(stage);
  assert.deepEqual([second.effectId, second.generation, second.attempts], [first.effectId, 2, 2]);
  assert.deepEqual(await renewEffects(client, [first]), new Set());
  const before = await pictureOf(stage, taskId);
  for (const settlement of settlements())
    assert.equal(await settlePush(stage.database, first, settlement), false);
  assert.equal(await postponeEffect(stage.database, first, 1_000, 'x'), false);
  assert.equal(await pictureOf(stage, taskId), before);
  assert.ok(await settlePush(stage.database, second, { kind: 'pushed' }));
});

test('what this process is at work on is not leased again by itself when its lease has lapsed', async (t) => {
  const stage = await setStage(t);
  await storeWaitingPush(stage);
  const effect = await leased(stage);
  await age(stage, 'effects', 'lease_until', { id: effect.effectId, seconds: 60 });
  assert.equal(await leaseEffect(stage.database, stage.workerId, { attended: [effect.effectId] }), undefined);
  assert.ok(await leaseEffect(stage.database, stage.workerId, { attended: [systemIds.random()] }));
});

test('a worker that is started again lets go of what it held, under a new generation', async (t) => {
  const stage = await setStage(t);
  await storeWaitingPush(stage);
  await storeWaitingPush(stage);
  const own = await leased(stage);
  const neighbour = { ...stage, workerId: systemIds.ordered() };
  await ensureWorker(stage.database, { id: neighbour.workerId, host: 'there', version: '0' });
  await leased(neighbour);
  await releaseOwnEffects(stage.database, stage.workerId);
  const again = await leased(stage);
  assert.deepEqual([again.effectId, again.generation], [own.effectId, own.generation + 2]);
  assert.equal(await settlePush(stage.database, own, { kind: 'pushed' }), false);
  assert.equal(await lease(stage), undefined);
});

test('a pushed branch completes the task and is remembered by it', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeWaitingPush(stage);
  const effect = await leased(stage);
  assert.ok(await settlePush(stage.database, effect, { kind: 'pushed' }));
  const task = await stage.database.kysely
    .selectFrom('tasks')
    .select(['state', 'pushed_commit'])
    .where('id', '=', taskId)
    .executeTakeFirst();
  assert.deepEqual(task, { state: 'completed', pushed_commit: workCommit });
  assert.deepEqual((await eventTypes(stage, taskId)).at(-1), 'branch_pushed');
  assert.deepEqual(
    (await effectRows(stage, taskId)).map((row) => [row.state, row.deadline_at]),
    [['done', null]],
  );
});

test('a taken name is followed by the next one, with the same work', async (t) => {
  const stage = await setStage(t);
  const { taskId, runId } = await storeWaitingPush(stage, 'codeforge/mend-it');
  const effect = await leased(stage);
  const newEffectId = systemIds.ordered();
  assert.ok(
    await settlePush(stage.database, effect, { kind: 'taken', next: 'codeforge/mend-it-1', newEffectId }),
  );
  assert.equal(await taskState(stage, taskId), 'creating_pr');
  const viewer = { userId: stage.ownerId, isAdmin: true };
  assert.equal((await findTask(stage.database, viewer, { id: taskId }))?.branch, 'codeforge/mend-it-1');
  const next = await leased(stage);
  assert.equal(next.effectId, newEffectId);
  assert.deepEqual(next.payload, { ...effect.payload, branch: 'codeforge/mend-it-1' });
  const keys = (await effectRows(stage, taskId)).map((row) => row.key);
  assert.deepEqual(keys, [
    pushEffectKey(runId, 'codeforge/mend-it'),
    pushEffectKey(runId, 'codeforge/mend-it-1'),
  ]);
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'branch_taken');
});

test('a refused push fails the task with its reason', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeWaitingPush(stage);
  const failure = {
    code: 'push_rejected',
    phase: 'deliver',
    retryable: false,
    message: 'push failed: no',
  } as const;
  assert.ok(await settlePush(stage.database, await leased(stage), { kind: 'failed', failure }));
  const task = await findTask(stage.database, { userId: stage.ownerId, isAdmin: true }, { id: taskId });
  assert.deepEqual([task?.state, task?.failure], ['failed', failure]);
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'task_failed');
  assert.equal(await lease(stage), undefined);
});

test('each settlement is made once, and of different ones at the same moment one wins', async (t) => {
  const stage = await setStage(t);
  for (const settlement of settlements()) {
    const { taskId } = await storeWaitingPush(stage);
    const effect = await leased(stage);
    const made = await Promise.all([1, 2, 3].map(() => settlePush(stage.database, effect, settlement)));
    assert.equal(made.filter(Boolean).length, 1, settlement.kind);
    await eventTypes(stage, taskId);
    if (settlement.kind === 'taken')
      await settlePush(stage.database, await leased(stage), { kind: 'pushed' });
  }
  const { taskId } = await storeWaitingPush(stage);
  const effect = await leased(stage);
  const made = await Promise.all(
    settlements().map((settlement) => settlePush(stage.database, effect, settlement)),
  );
  assert.equal(made.filter(Boolean).length, 1);
  await eventTypes(stage, taskId);
});

test('a postponed effect waits until it is due, and keeps count and reason', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeWaitingPush(stage);
  const effect = await leased(stage);
  assert.ok(await postponeEffect(stage.database, effect, 60_000, 'the forge is away'));
  assert.equal(await lease(stage), undefined);
  assert.deepEqual((await effectRows(stage, taskId))[0]?.outcome, { lastError: 'the forge is away' });
  await age(stage, 'effects', 'available_at', { id: effect.effectId, seconds: 61 });
  const again = await leased(stage);
  assert.deepEqual([again.attempts, again.generation], [2, 2]);
});

test('the same push cannot be asked for twice', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeWaitingPush(stage);
  const [row] = await effectRows(stage, taskId);
  assert.ok(row);
  const again = {
    id: systemIds.ordered(),
    owner_id: row.owner_id,
    task_id: row.task_id,
    run_id: row.run_id,
    kind: row.kind,
    key: row.key,
    payload: JSON.stringify(row.payload),
    state: 'waiting',
    deadline_at: row.deadline_at,
  } as const;
  await assert.rejects(
    stage.database.kysely.insertInto('effects').values(again).execute(),
    /effects_key_key/u,
  );
});
