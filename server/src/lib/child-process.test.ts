import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CommandNotFound, runCommand } from './child-process.ts';
import type { Command } from './child-process.ts';

const env = { PATH: '/usr/local/bin:/usr/bin:/bin' };

function shell(script: string, rest: Partial<Command> = {}): Command {
  const signal = new AbortController().signal;
  return {
    file: 'sh',
    args: ['-c', script],
    env,
    cwd: '/',
    maxOutputBytes: 1000,
    timeoutMs: 10_000,
    signal,
    ...rest,
  };
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

test('a command gives its output, its errors and its exit code', async () => {
  const result = await runCommand(shell('cat; echo problem >&2; exit 3', { input: 'given' }));
  assert.equal(result.code, 3);
  assert.equal(result.stdout.toString(), 'given');
  assert.equal(result.stderr, 'problem\n');
  assert.equal(result.timedOut, false);
});

test('a command sees nothing of the environment of this process', async () => {
  const result = await runCommand(shell('env', { env: { PATH: env.PATH, ONLY: 'this' } }));
  const names = result.stdout
    .toString()
    .split('\n')
    .map((line) => line.split('=')[0]);
  assert.ok(names.includes('ONLY'));
  assert.deepEqual(
    names.filter((name) => !['PATH', 'ONLY', 'PWD', 'OLDPWD', 'SHLVL', '_', ''].includes(name ?? '')),
    [],
  );
});

test('a program that does not exist is a clear error', async () => {
  await assert.rejects(runCommand(shell('', { file: '/nowhere/program' })), (error) => {
    assert.ok(error instanceof CommandNotFound);
    assert.match(error.message, /\/nowhere\/program/u);
    return true;
  });
});

test('a command that takes too long is ended with its children', async () => {
  const result = await runCommand(shell('sleep 60 & echo $!; wait', { timeoutMs: 200 }));
  assert.equal(result.timedOut, true);
  assert.equal(result.signal, 'SIGKILL');
  assert.equal(isAlive(Number(result.stdout.toString())), false);
});

test('an aborted command is gone when the promise rejects', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const running = runCommand(shell('echo $$ >&2; sleep 60', { signal: controller.signal }));
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(running, reason);
  await assert.rejects(runCommand(shell('true', { signal: controller.signal })), reason);
});

test('a command that writes too much is ended, and what fits is kept', async () => {
  const result = await runCommand(shell('yes', { maxOutputBytes: 5000 }));
  assert.equal(result.truncated, true);
  assert.equal(result.stdout.length, 5000);
});

test('a child that holds the pipes open does not hold the result', async () => {
  const result = await runCommand(shell('sleep 60 & echo done'));
  assert.equal(result.code, 0);
  assert.equal(result.stdout.toString(), 'done\n');
});

test('input that nobody reads is no error', async () => {
  const result = await runCommand(shell('exit 0', { input: Buffer.alloc(1_000_000) }));
  assert.equal(result.code, 0);
});
