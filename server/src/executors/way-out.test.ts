import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { runCommand } from '../lib/child-process.ts';
import { makeTrialFolder } from './executor.contract.ts';
import { programPath } from './system-programs.ts';
import { missingBridge } from './way-out.ts';

test('a missing bridge is answered with the command of this distribution', () => {
  assert.match(missingBridge('ID=debian').remedy, /^apt-get update && apt-get install -y socat$/u);
  assert.match(missingBridge('ID=alpine').remedy, /^apk add socat$/u);
  assert.match(missingBridge('').problem, /^socat is not installed/u);
});

test('without the bridge an executor checks out, and only a command with a way out is refused', async (t) => {
  const program = `
    const [{ createProcessExecutor }, { createBubblewrapExecutor }] = await Promise.all([
      import(${JSON.stringify(new URL('process/process-executor.ts', import.meta.url).href)}),
      import(${JSON.stringify(new URL('bubblewrap/bubblewrap-executor.ts', import.meta.url).href)}),
    ]);
    const stateFolder = ${JSON.stringify(join(makeTrialFolder(t), 'state'))};
    for (const executor of [createProcessExecutor(), createBubblewrapExecutor({ stateFolder })]) {
      const limits = { memoryBytes: 1e9, processes: 10, temporaryBytes: 1e6 };
      const place = executor.place('/nowhere', 1);
      await executor.launch(place, { argv: ['true'], env: {}, brief: true }, limits);
      const wayOut = { socket: '/nowhere/s' };
      const refused = await executor.launch(place, { argv: ['true'], env: {}, brief: true, wayOut }, limits).then(
        () => 'launched',
        (error) => error.message,
      );
      console.log(/socat is not installed/u.exec(refused)?.[0]);
    }`;
  // This host as it is, but for one file that cannot be run any more.
  const without = [
    '--bind',
    '/',
    '/',
    '--dev-bind',
    '/dev',
    '/dev',
    '--ro-bind',
    '/dev/null',
    programPath('socat'),
  ];
  const { code, stdout, stderr } = await runCommand({
    file: programPath('bwrap'),
    args: [...without, '--', process.execPath, '--input-type=module', '-e', program],
    env: {},
    cwd: '/',
    maxOutputBytes: 1_000_000,
    timeoutMs: 20_000,
    signal: AbortSignal.timeout(30_000),
  });
  const missing = 'socat is not installed\n';
  assert.equal(stdout.toString(), missing + missing, stderr);
  assert.equal(code, 0);
});
