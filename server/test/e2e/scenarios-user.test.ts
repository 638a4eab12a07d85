import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { processesWith, until } from '../support/processes.ts';
import type { User } from '../support/slipway-process.ts';
import { openHouse } from './scenario-house.ts';
import { runScenario } from './scenario.ts';
import { scriptScenarios } from './scenarios-of-scripts.ts';
import { treeScenarios } from './scenarios-of-trees.ts';

const source = join(import.meta.dirname, '../../src');
const program = join(source, 'main.ts');
const demoPatienceMs = 120_000;
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent' };

test('an ordinary user runs the demo: it shows a branch whose test passes, exits 0 and leaves nothing', async (t) => {
  const user = await ordinaryUser(t);
  if (user === undefined) return;
  const before = demoFolders();
  const demo = spawn(process.execPath, [program, 'demo'], {
    ...user,
    env,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: demoPatienceMs,
  });
  let output = '';
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(demo, 'close')) as [number | null];
  assert.equal(code, 0, output);
  assert.match(output, /ok: 2 \+ 3 = 5/u);
  assert.match(output, /codeforge\/fix-the-sum/u);
  const left = demoFolders().filter((name) => !before.includes(name));
  assert.deepEqual(left, [], 'no folder is left');
  await until('nothing of it to be alive', () => processesWith('slipway-demo-').length === 0, 3_000);
});

test('an ordinary user runs tasks with every limit, and what they leave can be removed', async (t) => {
  const user = await ordinaryUser(t);
  if (user === undefined) return;
  await using house = await openHouse({ user });
  const names = [
    'daemons, double forks and new sessions end with the script, and its work is taken',
    'a script that hangs past its time is ended, whatever it ignores',
    'a script that eats memory is ended, and the limit is named',
    'a script that forks without end meets its limit, and the host does not notice',
    'files and folders without any permission are taken',
    'files in read-only folders are taken',
  ];
  const scenarios = [...scriptScenarios, ...treeScenarios].filter(({ name }) => names.includes(name));
  assert.equal(scenarios.length, names.length);
  for (const scenario of scenarios)
    await t.test(scenario.name, async () => void (await runScenario(house, scenario)));
  await t.test('its own rights are enough to remove the workspaces', async () => {
    const script = `
      import { removeTree } from ${JSON.stringify(join(source, 'lib/remove-tree.ts'))};
      await removeTree(process.argv[1], AbortSignal.timeout(20_000));`;
    const remove = spawn(
      process.execPath,
      ['--input-type=module', '--eval', script, join(house.data, 'workspaces')],
      { ...user, env, cwd: '/', stdio: ['ignore', 'inherit', 'inherit'], timeout: 30_000 },
    );
    const [code] = (await once(remove, 'close')) as [number | null];
    assert.equal(code, 0);
  });
});

/** A user with a name, as initdb wants one, and without rights. Skips where there is none to be. */
async function ordinaryUser(t: TestContext): Promise<User | undefined> {
  if (process.getuid?.() !== 0) {
    t.skip('the tests run as an ordinary user already: all of them show it');
    return undefined;
  }
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const nobody = accounts.find(([name]) => name === 'nobody');
  if (nobody === undefined) {
    t.skip('there is no user nobody on this host');
    return undefined;
  }
  const user = { uid: Number(nobody[2]), gid: Number(nobody[3]) };
  const tried = spawnSync(process.execPath, [program, '--version'], {
    ...user,
    env,
    cwd: '/',
    timeout: 30_000,
  });
  if (tried.status !== 0) {
    t.skip(`the user nobody cannot read ${source}, or the node that runs the tests`);
    return undefined;
  }
  return user;
}

function demoFolders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('slipway-demo-'));
}
