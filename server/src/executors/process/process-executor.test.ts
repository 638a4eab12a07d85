import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';

import { closeInheritedDescriptors } from '../../lib/inherited-descriptors.ts';
import { findControlGroups } from '../control-groups.ts';
import { homeContract } from '../executor-home.contract.ts';
import { serveWayOut, wayOutContract } from '../executor-way-out.contract.ts';
import {
  eventually,
  executorContract,
  makeTrialPlace,
  processesWith,
  runShell,
  startSpawner,
  trialLimits,
  uniqueSleep,
} from '../executor.contract.ts';
import { createProcessExecutor } from './process-executor.ts';

closeInheritedDescriptors();

// What forks twice is found again only by a control group.
if (findControlGroups().kind === 'none') {
  test('passes the contract of executors', (t) => t.skip('no control group can be written here'));
} else {
  executorContract(() => createProcessExecutor(), { oneKillEndsAll: false });
}
homeContract(() => createProcessExecutor());
wayOutContract(() => createProcessExecutor());

test('a command whose port somebody else has is not started, and says why', async (t) => {
  const executor = createProcessExecutor();
  const place = await makeTrialPlace(t, executor, 4711);
  const other = createServer((socket) => socket.end('not the way out'));
  await new Promise<void>((resolve) => other.listen(place.wayOutPort, '127.0.0.1', resolve));
  t.after(() => other.close());
  const wayOut = await serveWayOut(t, (connection) => connection.end());
  const running = runShell(executor, place, 'echo ran >ran', { wayOut });
  await assert.rejects(running, /socat does not listen on 127\.0\.0\.1:24711/);
  assert.deepEqual(readdirSync(place.tree), []);
});

test('the bridge of a command ends with it, where no control group holds them together too', async (t) => {
  const executor = createProcessExecutor({ controlGroupHost: { kind: 'none' } });
  const place = await makeTrialPlace(t, executor);
  const wayOut = await serveWayOut(t, (connection) => connection.end());
  const word = `UNIX-CONNECT:${wayOut.socket}`;
  const launch = await executor.launch(
    place,
    { argv: ['sleep', uniqueSleep()], env: {}, wayOut },
    trialLimits,
  );
  const spawner = startSpawner(t, launch);
  await eventually('it runs', () => processesWith(word).length === 1, 10_000);
  spawner.kill('SIGKILL');
  await eventually('it is gone', () => processesWith(word).length === 0);
});

test('the first process of a command without isolation ends with its spawner', async (t) => {
  const executor = createProcessExecutor({ controlGroupHost: { kind: 'none' } });
  const place = await makeTrialPlace(t, executor);
  const sleep = uniqueSleep();
  const launch = await executor.launch(place, { argv: ['sleep', sleep], env: {} }, trialLimits);
  assert.equal(launch.memoryBounded, false);
  const spawner = startSpawner(t, launch);
  await eventually('it runs', () => processesWith(sleep).length === 1, 10_000);
  spawner.kill('SIGKILL');
  await eventually('it is gone', () => processesWith(sleep).length === 0);
});
