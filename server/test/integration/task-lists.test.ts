import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createListTasksService } from '../../src/services/list-tasks.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { readQueueSizes } from '../../src/store/queue-room.ts';
import { findTask } from '../../src/store/tasks.ts';
import {
  addOwner,
  claimNext,
  setStage,
  storeLiveRun,
  storeManyTasks,
  storeTask,
  successOf,
} from '../support/stored-tasks.ts';

const page = { states: undefined, limit: 50, offset: 0 };

test('a list holds no prompt beyond what it shows, and no result', async (t) => {
  const stage = await setStage(t);
  const list = createListTasksService({ database: stage.database });
  const prompt = `${'ü'.repeat(200)}|${'x'.repeat(90_000)}`;
  const run = await storeLiveRun(stage, 'collecting', { prompt, accessToken: null });
  assert.ok(await finishRun(stage.database, run, { ...successOf(), result: 'a long result '.repeat(1_000) }));
  const { rows, total } = await list({ userId: stage.ownerId, isAdmin: true }, page);
  assert.equal(total, 1);
  assert.equal(rows[0]?.promptStart, `${'ü'.repeat(200)}|`);
  assert.ok(JSON.stringify(rows).length < 2_000);
  assert.doesNotMatch(JSON.stringify(rows), /a long result/u);
});

test('pages follow each other, newest first, without a task twice or left out', async (t) => {
  const stage = await setStage(t);
  const list = createListTasksService({ database: stage.database });
  const ids: string[] = [];
  for (let index = 0; index < 23; index += 1) ids.unshift((await storeTask(stage)).taskId);
  const seen: string[] = [];
  for (let offset = 0; offset < 30; offset += 5) {
    const { rows, total } = await list(
      { userId: stage.ownerId, isAdmin: true },
      { ...page, limit: 5, offset },
    );
    assert.equal(total, 23);
    seen.push(...rows.map((row) => row.id));
  }
  assert.deepEqual(seen, ids);
});

test('an owner sees their own tasks, an administrator all, a stranger none', async (t) => {
  const stage = await setStage(t);
  const list = createListTasksService({ database: stage.database });
  const bob = await addOwner(stage, 'bob');
  const eve = await addOwner(stage, 'eve');
  const { taskId } = await storeTask(stage, { ownerId: bob });
  await storeTask(stage);
  const totalOf = async (userId: string, isAdmin: boolean) => (await list({ userId, isAdmin }, page)).total;
  assert.deepEqual(
    [await totalOf(stage.ownerId, true), await totalOf(bob, false), await totalOf(eve, false)],
    [2, 1, 0],
  );
  const find = (userId: string, isAdmin: boolean) =>
    findTask(stage.database, { userId, isAdmin }, { id: taskId });
  assert.ok(await find(bob, false));
  assert.ok(await find(eve, true));
  assert.equal(await find(eve, false), undefined);
  const task = await find(bob, false);
  assert.equal(
    (await findTask(stage.database, { userId: bob, isAdmin: false }, { number: task?.number ?? 0 }))?.id,
    taskId,
  );
});

test('a list by state has those states and no others, and one by no state is empty', async (t) => {
  const stage = await setStage(t);
  const list = createListTasksService({ database: stage.database });
  const admin = { userId: stage.ownerId, isAdmin: true };
  const cancelled = await storeTask(stage);
  await cancelTask(stage.database, cancelled.taskId, ['pending']);
  await storeLiveRun(stage, 'running');
  await storeTask(stage);
  const statesOf = async (states: Parameters<typeof list>[1]['states']) => {
    const { rows, total } = await list(admin, { ...page, states });
    assert.equal(rows.length, total);
    return rows.map((row) => row.state).sort();
  };
  assert.deepEqual(await statesOf(['cancelled']), ['cancelled']);
  assert.deepEqual(await statesOf(['running', 'pending', 'draft']), ['pending', 'running']);
  assert.deepEqual(await statesOf([]), []);
  assert.deepEqual(await readQueueSizes(stage.database), { tasks: 1, reviews: 0, follow_ups: 0 });
});

test('a small total is exact at every moment, a large one is counted once for all who ask', async (t) => {
  const stage = await setStage(t);
  let counts = 0;
  const kysely = stage.database.kysely.withPlugin({
    transformQuery: ({ node }) => {
      if (JSON.stringify(node).includes('"count"')) counts += 1;
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const list = createListTasksService({ database: { ...stage.database, kysely } });
  const admin = { userId: stage.ownerId, isAdmin: true };
  for (let stored = 1; stored <= 3; stored += 1) {
    await storeTask(stage);
    assert.equal((await list(admin, page)).total, stored);
  }
  await storeManyTasks(stage, 5_100);
  assert.equal((await list(admin, page)).total, 5_103);
  counts = 0;
  for (let round = 0; round < 20; round += 1) assert.equal((await list(admin, page)).total, 5_103);
  assert.ok(counts <= 2, `counted ${counts} times`);
  assert.ok(await claimNext(stage));
  assert.equal((await list(admin, { ...page, states: ['cloning'] })).total, 1);
});
