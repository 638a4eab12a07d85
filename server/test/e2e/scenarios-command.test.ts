import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Task } from '@slipway/client';
import { git } from '../../src/demo/example-repository.ts';
import { until } from '../support/processes.ts';
import { openHouse, type House } from './scenario-house.ts';
import { branchOf } from './scenario.ts';

const command = join(import.meta.dirname, '../../bin/slipway');
const limitMs = 60_000;

test('the main job from a terminal: run, list, show, logs, diff, cancel, and what they exit with', async (t) => {
  await using house = await openHouse();
  const url = `${house.forge.url}/sum.git`;
  const bare = join(house.repositories, 'sum.git');
  const script = (text: string): readonly string[] => ['run', url, 'Change a file', '--command', text];

  await t.test('run follows the task to its end, names the branch and exits with 0', async () => {
    const ran = await slipway(house, script('echo hello; echo hello > f'));
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /hello/u);
    const { id } = await newest(house);
    const branch = await branchOf(bare, id);
    assert.ok(`${ran.stdout}${ran.stderr}`.includes(branch), ran.stdout);
    assert.equal(await git(bare, 'show', `${branch}:f`), 'hello\n');
  });

  await t.test('what was done can be listed, shown, read again and applied', async () => {
    const { id } = await newest(house);
    const short = id.slice(0, 8);
    const listed = await slipway(house, ['list']);
    assert.match(listed.stdout, new RegExp(`${short}.*completed`, 'u'));
    const shown = JSON.parse((await slipway(house, ['show', short, '--json'])).stdout) as Task;
    assert.equal(shown.status, 'completed');
    const logs = await slipway(house, ['logs', short, '--json']);
    const events = logs.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id?: string });
    const since = await slipway(house, ['logs', short, '--json', '--since', events[1]?.id ?? '']);
    assert.deepEqual(since.stdout.trim().split('\n'), logs.stdout.trim().split('\n').slice(2));
    const diff = await slipway(house, ['diff', short]);
    const tree = join(house.folder, 'tree');
    await mkdir(tree);
    await git(house.folder, 'clone', '--quiet', url, tree);
    await writeFile(join(house.folder, 'patch'), diff.stdout);
    await git(tree, 'apply', join(house.folder, 'patch'));
    assert.equal(await readFile(join(tree, 'f'), 'utf8'), 'hello\n');
  });

  await t.test('run --json prints one object a line: the task, its events, its end, the task', async () => {
    const ran = await slipway(house, [...script('echo one > g'), '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    const objects = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(objects.length > 5);
    assert.equal(JSON.stringify(objects.at(-1)).includes('"completed"'), true);
  });

  await t.test('a task that fails exits with 1 and says why', async () => {
    const ran = await slipway(house, script('echo broken; exit 3'));
    assert.equal(ran.code, 1);
    assert.match(
      `${ran.stdout}${ran.stderr}`,
      /CLI execution failed: the script exited with code 3; its last line: broken/u,
    );
  });

  await t.test('a task that is cancelled elsewhere exits with 7; a second cancel with 6', async () => {
    const running = slipway(house, script('while :; do echo working; sleep 0.1; done'));
    const { id } = await newestRunning(house);
    assert.equal((await slipway(house, ['cancel', id])).code, 0);
    assert.equal((await running).code, 7);
    const again = await slipway(house, ['cancel', id]);
    assert.equal(again.code, 6);
    assert.match(again.stderr, /task is not running/u);
  });

  await t.test('an interrupt stops following, exits with 130, and the task goes on to its end', async () => {
    const interrupted = new AbortController();
    const running = slipway(house, script('echo working; sleep 1; echo done > h'), {
      interrupt: interrupted.signal,
    });
    const { id } = await newestRunning(house);
    interrupted.abort();
    assert.equal((await running).code, 130);
    const logs = await slipway(house, ['logs', '--follow', id]);
    assert.equal(logs.code, 0, logs.stderr);
    assert.equal((await newest(house)).status, 'completed');
  });

  await t.test('a wrong token, an unknown task, a server that is not there, a wrong word', async () => {
    const tokenFile = join(house.folder, 'wrong-token');
    await writeFile(tokenFile, 'no-token-of-this-server');
    const cases: readonly (readonly [code: number, args: readonly string[], words: RegExp])[] = [
      [4, ['list', '--server', house.server().url, '--token-file', tokenFile], /token/u],
      [5, ['show', '2dc0ed15-4068-433a-b936-923410bf3738'], /no such task|not found/iu],
      [5, ['diff', '2dc0ed15-4068-433a-b936-923410bf3738'], /no such task|not found/iu],
      [3, ['list', '--server', 'http://127.0.0.1:9', '--token-file', tokenFile], /127\.0\.0\.1:9/u],
      [2, ['run'], /repository/u],
      [2, ['rum'], /unknown command|run/u],
      [2, ['run', 'ssh://git@example.com/x.git', 'x', '--command', 'true'], /repo_url/u],
    ];
    for (const [code, args, words] of cases) {
      const ran = await slipway(house, args);
      assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stdout}${ran.stderr}`);
      assert.match(ran.stderr, words);
      assert.equal(ran.stdout, '');
      assert.doesNotMatch(ran.stderr, /\n\s+at /u, 'no stack');
    }
  });
});

async function newest(house: House): Promise<Task> {
  const { tasks } = await house.client.tasks.list({ limit: 1 });
  return house.client.tasks.get(tasks[0]?.id ?? '');
}

/** The one task that runs, as soon as it does. */
function newestRunning(house: House): Promise<Task> {
  return until('the task to run', async () => {
    const task = await newest(house);
    return task.status === 'running' && task;
  });
}

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the command as its user would, beside the data folder of the house. */
async function slipway(
  house: House,
  args: readonly string[],
  { interrupt }: { readonly interrupt?: AbortSignal } = {},
): Promise<Ended> {
  const child = spawn(command, args, {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/nonexistent', SLIPWAY_DATA_DIR: house.data },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
  });
  interrupt?.addEventListener('abort', () => void child.kill('SIGINT'));
  const read = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (read[name] += text));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...read };
}
