import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError, createClient } from '@slipway/client';
import { processesWith, until } from '../support/processes.ts';
import { readToken, startSlipway } from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  asked,
  createAgentTask,
  ended,
  onBranch,
  openAgentHouse,
  storedRuns,
  type AgentHouse,
} from './agent-tasks.ts';

const ask = { approvals: 'ask' } as const;

test('a program that does not leave after its last word is ended, and its word counts', async () => {
  await using house = await openAgentHouse({ SLIPWAY_AGENT_EXIT_SECONDS: '1' });
  for (const config of [{}, ask]) {
    const began = performance.now();
    const task = await ended(house, await createAgentTask(house, 'STAY QUICK', config));
    assert.equal(task.status, 'completed', task.error ?? '');
    assert.match(task.result ?? '', /^turn 1 with: -p /u);
    assert.match(await onBranch(house, task, 'asked.txt'), /STAY/u);
    assert.ok(performance.now() - began < 15_000, 'it was waited for');
    assert.deepEqual(await storedRuns(house, task.id), ['first succeeded']);
    assert.deepEqual(processesWith(join(house.data, 'workspaces')), []);
  }
});

test('an agent that ends while its question waits has ended, and the question is nobody’s any more', async () => {
  await using house = await openAgentHouse();
  const id = await createAgentTask(house, 'LEAVE', ask);
  const task = await ended(house, id);
  assert.equal(task.status, 'completed', task.error ?? '');
  assert.deepEqual(await storedRuns(house, id), ['first succeeded']);
  const { approvals } = await house.client.tasks.approvals(id);
  assert.deepEqual(
    approvals.map(({ state }) => state),
    ['dropped'],
  );
  const late = house.client.tasks.answer(id, approvals[0]?.id ?? '', { decision: 'allow' });
  await assert.rejects(late, (error) => error instanceof ApiError && error.status === 409);
});

/** An answer comes from elsewhere while the server that puts the run away is dead. */
const overtakings = [
  {
    name: 'an answer that overtakes the interrupt is taken by the agent, whose work is then done once',
    point: 'park.begun',
    runs: ['first succeeded'],
  },
  {
    name: 'an answer that comes while a run is being parked has it go on as soon as it is',
    point: 'park.stored',
    runs: ['first parked', 'resumed succeeded'],
  },
];
for (const { name, point, runs } of overtakings) {
  test(name, async (t) => {
    const folder = await temporaryFolder(t);
    const mark = join(folder, 'mark');
    await using house = await openAgentHouse({
      SLIPWAY_APPROVAL_HOLD_SECONDS: '0',
      SLIPWAY_FAULT: `${point}:kill:${mark}`,
    });
    const id = await createAgentTask(house, 'once', ask);
    await until('the server to die', () => existsSync(mark));
    await answerElsewhere(house, join(folder, 'other'), id);
    await house.restart('kill');
    const task = await ended(house, id);
    assert.equal(task.status, 'completed', task.error ?? '');
    assert.equal(await onBranch(house, task, 'answer.txt'), 'allowed\n');
    assert.equal((await onBranch(house, task, 'asked.txt')).trimEnd().split('\n').length, runs.length);
    assert.deepEqual(await storedRuns(house, id), runs);
  });
}

/** Allows what is asked, by another server of the same installation that works on nothing. */
async function answerElsewhere(house: AgentHouse, data: string, taskId: string): Promise<void> {
  const other = await startSlipway('serve', {
    DATABASE_URL: house.databaseUrl,
    SLIPWAY_DATA_DIR: data,
    SLIPWAY_WORKERS: '0',
  });
  try {
    const client = createClient({ baseUrl: other.url, token: await readToken(data) });
    const question = await asked({ ...house, client }, taskId);
    await client.tasks.answer(taskId, question.id, { decision: 'allow' });
  } finally {
    await other.stop();
  }
}
