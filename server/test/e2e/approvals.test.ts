import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/processes.ts';
import {
  asked,
  createAgentTask,
  ended,
  eventNames,
  onBranch,
  openAgentHouse,
  storedRuns,
  storedState,
} from './agent-tasks.ts';

const ask = { approvals: 'ask' } as const;

test('an agent that asks waits for a person without a slot, and goes on with the answer', async () => {
  await using house = await openAgentHouse({ SLIPWAY_WORKERS: '1' });
  const id = await createAgentTask(house, 'one', ask);
  const question = await asked(house, id);
  assert.equal(question.tool, 'Bash');
  assert.match(question.summary, /rm -rf \/tmp\/x/u);
  assert.equal(await storedState(house, id), 'waiting_for_user');
  assert.equal((await house.client.tasks.get(id)).status, 'running');
  // The only slot is free for somebody else.
  const other = await ended(house, await createAgentTask(house, 'other'));
  assert.equal(other.status, 'completed', other.error ?? '');
  await house.client.tasks.answer(id, question.id, { decision: 'allow' });
  const task = await ended(house, id);
  assert.equal(task.status, 'completed', task.error ?? '');
  assert.equal(await onBranch(house, task, 'answer.txt'), 'allowed\n');
  assert.deepEqual(await storedRuns(house, id), ['first succeeded']);

  const second = await createAgentTask(house, 'two', ask);
  const refused = await asked(house, second);
  await house.client.tasks.answer(second, refused.id, { decision: 'deny', reason: 'no' });
  assert.equal(await onBranch(house, await ended(house, second), 'answer.txt'), 'denied\n');
});

test('a question survives the kill of its server', async () => {
  await using house = await openAgentHouse();
  const id = await createAgentTask(house, 'one', ask);
  const question = await asked(house, id);
  await house.restart('kill');
  assert.equal((await asked(house, id)).id, question.id);
  await house.client.tasks.answer(id, question.id, { decision: 'allow' });
  const task = await ended(house, id);
  assert.equal(await onBranch(house, task, 'answer.txt'), 'allowed\n');
  assert.deepEqual(await storedRuns(house, id), ['first succeeded']);
});

test('a long wait parks the run, and the answer goes on with its conversation, tree and time', async () => {
  await using house = await openAgentHouse({ SLIPWAY_APPROVAL_HOLD_SECONDS: '1' });
  const id = await createAgentTask(house, 'one', ask);
  const question = await asked(house, id);
  await until('the run is parked', async () => (await storedRuns(house, id))[0] === 'first parked');
  assert.equal(await storedState(house, id), 'waiting_for_user');
  await house.restart('kill');
  await house.client.tasks.answer(id, question.id, { decision: 'allow' });
  const task = await ended(house, id);
  assert.equal(task.status, 'completed', task.error ?? '');
  // Asked again by the run that went on, the same question found its answer.
  assert.equal(await onBranch(house, task, 'answer.txt'), 'allowed\n');
  assert.match(task.result ?? '', /--resume/u);
  assert.deepEqual(await storedRuns(house, id), ['first parked', 'resumed succeeded']);
  const names = await eventNames(house, id);
  for (const name of ['approval_requested', 'run_parked', 'approval_decided']) {
    assert.equal(names.filter((one) => one === name).length, 1, name);
  }
});

test('nobody answers in time: that is a denial, for a living agent and for a parked one', async () => {
  await using house = await openAgentHouse({ SLIPWAY_APPROVAL_SECONDS: '2' });
  const living = await ended(house, await createAgentTask(house, 'one', ask));
  assert.equal(living.status, 'completed', living.error ?? '');
  assert.equal(await onBranch(house, living, 'answer.txt'), 'denied\n');
});

test('a task that waits for a person is cancelled at once, and nothing of it is left', async () => {
  await using house = await openAgentHouse({ SLIPWAY_APPROVAL_HOLD_SECONDS: '1' });
  const id = await createAgentTask(house, 'one', ask);
  await asked(house, id);
  await house.client.tasks.cancel(id);
  const task = await ended(house, id);
  assert.match(task.error ?? '', /canceled by user/u);
  const parked = await createAgentTask(house, 'two', ask);
  await asked(house, parked);
  await until('the run is parked', async () => (await storedRuns(house, parked))[0] === 'first parked');
  await house.client.tasks.cancel(parked);
  assert.equal(await storedState(house, parked), 'cancelled');
  const left = await house.query(`select from approvals where state = 'waiting'`);
  assert.equal(left.length, 0);
});
