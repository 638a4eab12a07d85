import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { runCommand, type CommandResult } from '../../src/lib/child-process.ts';

const drop = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--no-new-privs'];

/** Runs a file of tests once more as nobody. Skips where there is nobody else to be, or the clone lies out of reach. */
export async function passAsOrdinaryUser(t: TestContext, file: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    t.skip('this is the ordinary user');
    return;
  }
  const reach = await asNobody('-e', `fs.readFileSync(${JSON.stringify(file)})`);
  if (reach.code !== 0) {
    t.skip('this clone lies where another user cannot reach it');
    return;
  }
  const result = await asNobody('--test', '--test-reporter=spec', file);
  assert.equal(result.code, 0, `${result.stdout.toString('utf8')}${result.stderr}`);
}

function asNobody(...args: readonly string[]): Promise<CommandResult> {
  return runCommand({
    file: 'setpriv',
    args: [...drop, process.execPath, ...args],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    maxOutputBytes: 16 * 1024 * 1024,
    timeoutMs: 120_000,
    signal: AbortSignal.timeout(180_000),
  });
}
