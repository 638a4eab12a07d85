import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { lockFolder } from './folder-lock.ts';

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-lock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A process that takes the lock, says so, and stays. */
async function holdApart(t: TestContext, folder: string) {
  const source = `
    const { lockFolder } = await import(process.argv[1]);
    await lockFolder(process.argv[2], 'server');
    console.log('held');
    setInterval(() => undefined, 1000);`;
  const module = new URL('./folder-lock.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source, '--', module, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test('a folder held by another process is refused, and that process is named', async (t) => {
  const folder = await makeFolder(t);
  const other = await holdApart(t, folder);
  await assert.rejects(lockFolder(folder, 'server'), (error: Error) => {
    assert.match(error.message, new RegExp(`in use by another server: process ${other.pid}\\b`));
    assert.ok(error.message.includes(folder));
    return true;
  });
});

test('the lock of a process that was killed is taken over at once', async (t) => {
  const folder = await makeFolder(t);
  const other = await holdApart(t, folder);
  other.kill('SIGKILL');
  await once(other, 'exit');
  const lock = await lockFolder(folder, 'server');
  await lock.release();
});

test('a number of a dead holder that another process got is not mistaken for the holder', async (t) => {
  const folder = await makeFolder(t);
  await writeFile(
    join(folder, 'server.holder'),
    JSON.stringify({ pid: process.ppid, startTime: '1', bootId: 'x' }),
  );
  const lock = await lockFolder(folder, 'server');
  await assert.rejects(lockFolder(folder, 'server'), new RegExp(`process ${process.pid}\\b`));
  await lock.release();
});

test('of many who try at once exactly one gets the folder, and after its release the next one does', async (t) => {
  const folder = await makeFolder(t);
  const tries = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(folder, 'server')));
  const won = tries.filter((one) => one.status === 'fulfilled');
  assert.equal(won.length, 1);
  await won[0]?.value.release();
  await won[0]?.value.release();
  const next = await lockFolder(folder, 'server');
  await assert.rejects(lockFolder(folder, 'server'));
  await next.release();
});

test('a refused try in the same process does not loosen the lock for other processes', async (t) => {
  const folder = await makeFolder(t);
  const other = await holdApart(t, folder);
  await assert.rejects(lockFolder(folder, 'server'));
  await assert.rejects(lockFolder(folder, 'server'), new RegExp(`process ${other.pid}\\b`));
});

test('other words are other locks, and other users cannot open the file', async (t) => {
  const folder = await makeFolder(t);
  const server = await lockFolder(folder, 'server');
  const worker = await lockFolder(folder, 'worker');
  assert.equal((await stat(join(folder, 'server.lock'))).mode & 0o777, 0o600);
  await server.release();
  await worker.release();
});
