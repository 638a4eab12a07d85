import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { takeExclusiveLock, tryExclusiveLock } from './exclusive-lock.ts';

async function lockPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-lock-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'lock');
}

test('a lock is held by one at a time, in the order in which it becomes free', async (t) => {
  const path = await lockPath(t);
  const signal = AbortSignal.timeout(10_000);
  const first = await takeExclusiveLock(path, signal);
  assert.equal(tryExclusiveLock(path), undefined);
  const waiting = takeExclusiveLock(path, signal);
  first[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
});

test('waiting for a lock ends with the signal', async (t) => {
  const path = await lockPath(t);
  const held = await takeExclusiveLock(path, AbortSignal.timeout(10_000));
  await assert.rejects(takeExclusiveLock(path, AbortSignal.timeout(50)), { name: 'TimeoutError' });
  held[Symbol.dispose]();
});

test('the lock of a process that was killed is free at once', async (t) => {
  const path = await lockPath(t);
  const program = `import { takeExclusiveLock } from ${JSON.stringify(import.meta.resolve('./exclusive-lock.ts'))};
    await takeExclusiveLock(process.argv[1], AbortSignal.timeout(5000)); console.log('held'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  assert.equal(tryExclusiveLock(path), undefined);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = tryExclusiveLock(path);
  assert.notEqual(lock, undefined);
  lock?.[Symbol.dispose]();
});
