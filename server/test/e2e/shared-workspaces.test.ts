import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Task, TaskInput } from '@slipway/client';
import { git } from '../../src/demo/example-repository.ts';
import { openHouse, type House } from './scenario-house.ts';

/** The end of a task that works in another one's workspace. */
async function work(house: House, command: string, input: Partial<TaskInput> & { where?: Task } = {}) {
  const { where, ...rest } = input;
  const workspace = where === undefined ? {} : { workspace_task_id: where.id };
  const { id } = await house.client.tasks.create({
    repo_url: `${house.forge.url}/sum.git`,
    prompt: 'Change a file',
    publish: 'branch',
    ...rest,
    config: { cli: 'script', command, ...workspace },
  });
  return house.client.tasks.wait(id, { signal: AbortSignal.timeout(60_000) });
}

const clones = async (house: House, { id }: Task): Promise<number> => {
  const [row] = await house.query<{ count: number }>(
    `select count(*)::int as count from events where stream_id = $1 and type = 'clone_started'`,
    [id],
  );
  return row?.count ?? -1;
};

test('tasks work on in the workspace of another, each with a branch of its own', async () => {
  await using house = await openHouse();
  const bare = join(house.repositories, 'sum.git');
  const filesOf = async (task: Task): Promise<readonly string[]> =>
    (await git(bare, 'diff', '--name-only', `main...${task.branch ?? ''}`)).trim().split('\n');

  // As an agent leaves it that was given MCP servers.
  const servers = '"$HOME/.slipway/mcp.json"';
  const leaves = `mkdir "$HOME/.slipway"; echo secret >${servers}`;
  const first = await work(house, `echo one >one.txt; echo x >"$HOME/seen"; ${leaves}`);
  assert.equal(first.status, 'completed', first.error ?? '');

  const second = await work(house, `test -f "$HOME/seen" && test ! -e ${servers} && cat one.txt >two.txt`, {
    where: first,
  });
  assert.equal(second.status, 'completed', second.error ?? '');
  assert.notEqual(second.branch, first.branch);
  assert.equal(await clones(house, second), 0, 'it goes on in the tree');
  assert.deepEqual(await filesOf(first), ['one.txt']);
  assert.deepEqual(await filesOf(second), ['one.txt', 'two.txt']);

  const idle = await work(house, 'cat two.txt', { where: first });
  assert.equal(idle.status, 'completed', idle.error ?? '');
  assert.equal(idle.branch, undefined, 'who changed nothing publishes nothing');
  assert.equal(idle.changes_summary, undefined);

  const failed = await work(house, 'echo half >half-done.txt; exit 3', { where: second });
  assert.equal(failed.status, 'failed');
  const third = await work(house, 'ls >three.txt', { where: second });
  assert.equal(third.status, 'completed', third.error ?? '');
  assert.equal(await clones(house, third), 1, 'and not in what somebody left half done');
  assert.deepEqual(await filesOf(third), ['one.txt', 'three.txt', 'two.txt']);
  assert.doesNotMatch(await git(bare, 'show', `${third.branch ?? ''}:three.txt`), /half-done/u);

  await house.client.tasks.instruct(first.id, 'And another');
  const again = await house.client.tasks.wait(first.id, { signal: AbortSignal.timeout(60_000) });
  assert.equal(again.status, 'completed', again.error ?? '');
  assert.equal(again.branch, first.branch, 'its branch is pushed on from where it was');
});
