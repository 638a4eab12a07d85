import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uniqueSleep } from '../../src/executors/executor.contract.ts';
import { isSameProcess } from '../../src/lib/process-identity.ts';
import { endSupervisor } from '../../src/worker/workspace-folders.ts';
import { attachTo, prepareRun, startRun } from '../support/supervised-run.ts';
import { processesWith, until } from '../support/processes.ts';

test('a supervisor that is frozen is killed, and its sandbox ends with it', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(t, `sleep ${sleep}`);
  await startRun(run);
  const { identity } = await attachTo(t, run);
  await until('the agent to run', () => processesWith(sleep).length > 0);
  process.kill(identity.pid, 'SIGSTOP');
  // Accepted by the kernel, heard by nobody: without a limit this would wait for ever.
  await endSupervisor(run.folder, 0, AbortSignal.timeout(30_000));
  assert.equal(isSameProcess(identity), false);
  await until('the agent to be gone', () => processesWith(sleep).length === 0, 3_000);
});
