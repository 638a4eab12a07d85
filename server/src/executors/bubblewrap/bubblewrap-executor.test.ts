import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { closeInheritedDescriptors } from '../../lib/inherited-descriptors.ts';
import { homeContract } from '../executor-home.contract.ts';
import { serveWayOut, wayOutContract } from '../executor-way-out.contract.ts';
import { executorContract, makeTrialFolder, makeTrialPlace, runShell } from '../executor.contract.ts';
import type { Executor } from '../executor.ts';
import { SandboxNotStarted } from '../run-in-sandbox.ts';
import { programPath } from '../system-programs.ts';
import { createBubblewrapExecutor } from './bubblewrap-executor.ts';
import { passAsOrdinaryUser } from '../../../test/support/ordinary-user.ts';

closeInheritedDescriptors();

const make = (t: TestContext): Executor =>
  createBubblewrapExecutor({ stateFolder: join(makeTrialFolder(t), 'state') });

executorContract(make, { oneKillEndsAll: true });
homeContract(make);
wayOutContract(make);

test('a command that waits for all of its children does not wait for the bridge', async (t) => {
  const executor = make(t);
  const place = await makeTrialPlace(t, executor);
  const wayOut = await serveWayOut(t, (connection) => connection.end());
  const argv = ['perl', '-e', 'print wait'] as const;
  assert.equal((await runShell(executor, place, '', { argv, wayOut })).stdout, '-1');
});

test('a command whose bridge does not come up is not started, and says why', async (t) => {
  const executor = createBubblewrapExecutor({
    stateFolder: join(makeTrialFolder(t), 'state'),
    changeProfile: (lines) =>
      lines.map((line) =>
        line.name === 'read only'
          ? { ...line, args: ['--ro-bind', '/dev/null', programPath('socat')] }
          : line,
      ),
  });
  const place = await makeTrialPlace(t, executor);
  const wayOut = await serveWayOut(t, (connection) => connection.end());
  await assert.rejects(runShell(executor, place, 'echo ran >ran', { wayOut }), (error) => {
    assert.ok(error instanceof SandboxNotStarted);
    assert.match(error.message, /socat does not listen on 127\.0\.0\.1:3128/);
    return true;
  });
  assert.equal((await runShell(executor, place, 'ls')).stdout, '');
});

test('refuses a NUL, which would be an argument of its own to bubblewrap', async (t) => {
  const executor = createBubblewrapExecutor({ stateFolder: join(makeTrialFolder(t), 'state') });
  const place = await makeTrialPlace(t, executor);
  await assert.rejects(
    runShell(executor, place, 'ls /host', { env: { A: 'b\0--ro-bind\0/\0/host' } }),
    /NUL/,
  );
});

test('keeps the environment off the command line, where every user of the host can read it', async (t) => {
  const executor = createBubblewrapExecutor({ stateFolder: join(makeTrialFolder(t), 'state') });
  const place = await makeTrialPlace(t, executor);
  const launch = await executor.launch(
    place,
    { argv: ['true'], env: { KEY: 'not to be seen' } },
    {
      memoryBytes: 1e9,
      processes: 10,
      temporaryBytes: 1e6,
    },
  );
  await executor.release(launch);
  assert.doesNotMatch(launch.args.join(' '), /not to be seen/);
  assert.deepEqual(launch.env, {});
});

test('says that a sandbox cannot come up where its files cannot be reached', async (t) => {
  const folder = makeTrialFolder(t);
  if (process.getuid?.() !== 0) {
    t.skip('only a root server gives sandboxes another user');
    return;
  }
  mkdirSync(join(folder, 'private'));
  chmodSync(join(folder, 'private'), 0o700);
  const executor = createBubblewrapExecutor({ stateFolder: join(folder, 'private/state') });
  const [finding, ...others] = await executor.check(new AbortController().signal);
  assert.deepEqual(others, []);
  assert.match(finding?.problem ?? '', /user \(200000\) cannot reach .*private\/state/);
  assert.match(finding?.remedy ?? '', /SLIPWAY_DATA_DIR=\/var\/lib\/slipway/);
  const workspaceFolder = join(folder, 'private/workspaces');
  const elsewhere = createBubblewrapExecutor({ stateFolder: join(folder, 'state'), workspaceFolder });
  const [hidden] = await elsewhere.check(new AbortController().signal);
  assert.match(hidden?.problem ?? '', /user \(200000\) cannot reach .*private\/workspaces/);
});

for (const file of ['bubblewrap-executor.test.ts', 'profile.test.ts']) {
  test(`an ordinary user passes ${file} as well`, (t) =>
    passAsOrdinaryUser(t, join(import.meta.dirname, file)));
}
