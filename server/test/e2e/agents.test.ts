import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/processes.ts';
import { startSlipway } from '../support/slipway-process.ts';
import { createAgentTask, ended, eventNames, onBranch, openAgentHouse, storedRuns } from './agent-tasks.ts';
import { smallLimits } from './scenario-house.ts';

const oneShot = '--output-format stream-json --verbose --permission-mode bypassPermissions';

test('a task for Claude Code is run with the documented flags alone, and what it spent is told', async () => {
  await using house = await openAgentHouse();
  const task = await ended(house, await createAgentTask(house, 'plain'));
  assert.equal(task.status, 'completed', task.error ?? '');
  assert.equal(task.result, `turn 1 with: -p plain ${oneShot}`);
  assert.equal(await onBranch(house, task, 'asked.txt'), 'plain\n');
  const { duration_seconds: _, ...usage } = task.usage ?? {};
  assert.deepEqual(usage, {
    input_tokens: 100,
    output_tokens: 10,
    cache_read_tokens: 5,
    cache_write_tokens: 1,
    cost_usd: 0.01,
  });
  const [run] = await house.query<{ agent_version: string; stop_reason: string }>(
    'select agent_version, stop_reason from runs where task_id = $1',
    [task.id],
  );
  assert.deepEqual({ ...run }, { agent_version: '0.0.1', stop_reason: 'end_turn' });

  const asked = { ai_model: 'some-model', max_turns: 3, max_budget_usd: 0.5 };
  const limited = await ended(house, await createAgentTask(house, 'limited', asked));
  assert.equal(
    limited.result,
    `turn 1 with: -p limited ${oneShot} --model some-model --max-turns 3 --max-budget-usd 0.5`,
  );
  const bare = await ended(house, await createAgentTask(house, 'BARE'));
  assert.equal(bare.status, 'completed', bare.error ?? '');
  const failed = await ended(house, await createAgentTask(house, 'FAIL'));
  assert.equal(failed.status, 'failed');
  assert.match(failed.error ?? '', /^CLI execution failed: /u);
});

test("an instruction goes on with the agent's own conversation in the same tree, also after a kill", async () => {
  await using house = await openAgentHouse();
  const id = await createAgentTask(house, 'first');
  const first = await ended(house, id);
  await house.restart('kill');
  const answer = await house.client.tasks.instruct(id, 'second SLEEP');
  assert.equal(answer.iteration, 2);
  assert.equal(answer.status, 'awaiting_instruction');
  const third = await house.client.tasks.instruct(id, 'third');
  assert.equal(third.iteration, 3);
  await until('the second run', async () => (await storedRuns(house, id)).includes('follow_up running'));
  await house.restart('kill');
  const task = await ended(house, id);
  assert.equal(task.status, 'completed', task.error ?? '');
  assert.equal(task.iteration, 3);
  assert.match(task.result ?? '', /^turn 3 with: -p third .* --resume [0-9a-f-]{36}$/u);
  assert.equal(await onBranch(house, task, 'asked.txt'), 'first\nsecond SLEEP\nthird\n');
  assert.equal(task.branch, first.branch);
  assert.equal(task.usage?.cost_usd, 0.03);
  assert.deepEqual(await storedRuns(house, id), [
    'first succeeded',
    'follow_up succeeded',
    'follow_up succeeded',
  ]);
});

test('a conversation goes on on another host, from what is kept of tree and home', async () => {
  const shared = { SLIPWAY_ENCRYPTION_KEY: 'a key for two hosts', SLIPWAY_FOLLOW_UP_WORKERS: '0' };
  await using house = await openAgentHouse(shared);
  const id = await createAgentTask(house, 'here');
  await ended(house, id);
  const second = await startSlipway('work', {
    ...smallLimits,
    SLIPWAY_ENCRYPTION_KEY: shared.SLIPWAY_ENCRYPTION_KEY,
    SLIPWAY_CLAUDE_CODE_PATH: house.claude,
    SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
    SLIPWAY_WORKERS: '1',
    SLIPWAY_DATA_DIR: join(house.folder, 'second'),
    SLIPWAY_BLOB_DIR: join(house.data, 'blobs'),
    DATABASE_URL: house.databaseUrl,
  });
  try {
    await house.client.tasks.instruct(id, 'there');
    const task = await ended(house, id);
    assert.equal(task.status, 'completed', task.error ?? '');
    assert.match(task.result ?? '', /^turn 2 with: -p there .* --resume/u);
    assert.equal(await onBranch(house, task, 'asked.txt'), 'here\nthere\n');
    const hosts = await house.query('select distinct holder from runs where task_id = $1', [id]);
    assert.equal(hosts.length, 2);
  } finally {
    await second.stop();
  }
});

test('a conversation that is lost is begun anew with the history, and the log says so', async () => {
  await using house = await openAgentHouse();
  const id = await createAgentTask(house, 'remember the milk');
  await ended(house, id);
  const [row] = await house.query<{ workspace: string }>(
    'select workspace_id as workspace from tasks where id = $1',
    [id],
  );
  await rm(join(house.data, 'workspaces', row?.workspace ?? '', 'home/.claude'), { recursive: true });
  await house.client.tasks.instruct(id, 'and the eggs');
  const task = await ended(house, id);
  assert.equal(task.status, 'completed', task.error ?? '');
  assert.ok((await eventNames(house, id)).includes('session_lost'));
  const asked = await onBranch(house, task, 'asked.txt');
  assert.match(asked, /Iteration 1 \(succeeded\)[\s\S]*remember the milk[\s\S]*and the eggs\n$/u);
  assert.doesNotMatch(task.result ?? '', /--resume/u);
});
