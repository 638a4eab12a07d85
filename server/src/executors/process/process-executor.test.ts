import assert from 'node:assert/strict';
import { test } from 'node:test';

import { closeInheritedDescriptors } from '../../lib/inherited-descriptors.ts';
import { findControlGroups } from '../control-groups.ts';
import {
  eventually,
  executorContract,
  makeTrialPlace,
  processesWith,
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
