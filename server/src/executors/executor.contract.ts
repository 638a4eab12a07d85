import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { spawnLaunch } from '../lib/spawn-launch.ts';
import type { Executor, Launch, Place, SandboxCommand } from './executor.ts';
import { runInSandbox, type SandboxResult, type SandboxRun } from './run-in-sandbox.ts';

const mebibyte = 1024 * 1024;
export const trialLimits = { memoryBytes: 256 * mebibyte, processes: 128, temporaryBytes: 8 * mebibyte };

/** A folder that other users of the host can pass through, removed after the test. */
export function makeTrialFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-trial-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A workspace with an empty tree, handed over to the sandbox. */
export async function makeTrialPlace(t: TestContext, executor: Executor, number = 7): Promise<Place> {
  const place = executor.place(join(makeTrialFolder(t), 'workspace'), number);
  mkdirSync(place.tree, { recursive: true });
  await executor.handOver(place);
  return place;
}

/** Runs a line of shell in the place, with the limits and times of a test. */
export function runShell(
  executor: Executor,
  place: Place,
  script: string,
  changes: Partial<SandboxRun & SandboxCommand> = {},
): Promise<SandboxResult> {
  const { env = {}, argv = ['/bin/sh', '-c', script] } = changes;
  const { readOnly = [], pathFolders = [], homeFiles, wayOut, ...run } = changes;
  return runInSandbox(
    executor,
    place,
    {
      argv,
      env,
      readOnly,
      pathFolders,
      ...(homeFiles === undefined ? {} : { homeFiles }),
      ...(wayOut === undefined ? {} : { wayOut }),
    },
    {
      limits: trialLimits,
      timeoutMs: 20_000,
      maxOutputBytes: mebibyte,
      signal: new AbortController().signal,
      ...run,
    },
  );
}

/** The numbers of living processes of the host with this word on their command line. */
export function processesWith(word: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
        return (
          words.includes(word) && !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${name}/stat`, 'latin1'))
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Waits until the condition holds; fails the test after `milliseconds`. */
export async function eventually(what: string, condition: () => boolean, milliseconds = 3000): Promise<void> {
  const until = performance.now() + milliseconds;
  while (!condition()) {
    assert.ok(performance.now() < until, `${what}, within ${milliseconds} ms`);
    await delay(10);
  }
}

let marks = 0;
/** A length of sleep that no other process has: it marks a process on the host, wherever it runs. */
export function uniqueSleep(): string {
  marks += 1;
  return `6${process.pid}.${marks}`;
}

/** Starts a child, one in a session of its own, one forked twice and a daemon, and stays. */
export function manyProcesses(sleep: string): string {
  const daemon = `perl -MPOSIX -e 'exit if fork; POSIX::setsid(); exit if fork; exec "sleep", "${sleep}"'`;
  return `sleep ${sleep} & setsid sleep ${sleep} & (sleep ${sleep} &); ${daemon}; wait`;
}

/** What an adapter promises beyond the rest. */
export type Promised = {
  /** SIGKILL of the spawned process, and the death of the spawner, take everything along. */
  readonly oneKillEndsAll: boolean;
};

/** The suite that every executor passes. */
export function executorContract(make: (t: TestContext) => Executor, promised: Promised): void {
  test('finds nothing missing on this host', async (t) => {
    assert.deepEqual(await make(t).check(new AbortController().signal), []);
  });

  test('makes the same place of the same folder and number', (t) => {
    const executor = make(t);
    assert.deepEqual(executor.place('/some/where', 12), make(t).place('/some/where', 12));
    assert.equal(executor.place('/some/where', 12).tree, '/some/where/tree');
  });

  test('gives the command its environment, its folder and nothing else', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const { stdout, code } = await runShell(executor, place, '', {
      argv: ['env'],
      env: { GIVEN: 'a value\nof "two" lines $HOME' },
    });
    assert.equal(code, 0);
    const expected = {
      GIVEN: 'a value\nof "two" lines $HOME',
      HOME: place.homeInside,
      LANG: 'C.UTF-8',
      PATH: '/usr/local/bin:/usr/bin:/bin',
      PWD: place.treeInside,
      TMPDIR: '/tmp',
      USER: 'agent',
    };
    const lines = Object.entries(expected).map(([name, value]) => `${name}=${value}`);
    assert.deepEqual(stdout.trimEnd().split('\n').sort(), lines.join('\n').split('\n').sort());
    const folder = await runShell(executor, place, '', { argv: ['pwd'] });
    assert.equal(folder.stdout, `${place.treeInside}\n`);
  });

  test('passes stdin on, and ends it', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const input = Buffer.alloc(300_000, 'x');
    assert.equal((await runShell(executor, place, 'wc -c', { input })).stdout.trim(), '300000');
    assert.equal((await runShell(executor, place, 'wc -c')).stdout.trim(), '0');
  });

  test('tells the exit code and the signal of the command', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const failed = await runShell(executor, place, 'echo out; echo err >&2; exit 7');
    assert.deepEqual(failed, {
      code: 7,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
      truncated: false,
    });
    assert.equal((await runShell(executor, place, 'kill -9 $$')).signal, 'SIGKILL');
    assert.equal((await runShell(executor, place, '', { argv: ['no-such-program'] })).code, 127);
  });

  test('shows what a command may read at its own path', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const file = join(makeTrialFolder(t), 'shown');
    writeFileSync(file, 'to be read\n', { mode: 0o644 });
    const { stdout } = await runShell(executor, place, `cat ${file}`, { readOnly: [file] });
    assert.equal(stdout, 'to be read\n');
  });

  test('keeps the tree and the home from one command to the next', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    await runShell(executor, place, 'echo one >file; mkdir -p ~/.config; echo two >~/.config/file');
    const { stdout } = await runShell(executor, place, 'cat file ~/.config/file');
    assert.equal(stdout, 'one\ntwo\n');
    assert.equal(readFileSync(join(place.tree, 'file'), 'utf8'), 'one\n');
  });

  test('gives the tree away without following its links', async (t) => {
    const executor = make(t);
    const folder = makeTrialFolder(t);
    const place = executor.place(join(folder, 'workspace'), 9);
    mkdirSync(join(place.tree, 'deep/er'), { recursive: true });
    writeFileSync(join(place.tree, 'deep/er/file'), 'x');
    writeFileSync(join(folder, 'outside'), 'ours', { mode: 0o600 });
    symlinkSync(join(folder, 'outside'), join(place.tree, 'link'));
    const before = statSync(join(folder, 'outside')).uid;
    await executor.handOver(place);
    assert.equal(statSync(join(folder, 'outside')).uid, before);
    for (const name of ['.', 'deep', 'deep/er/file', 'link']) {
      assert.equal(lstatSync(join(place.tree, name)).uid, place.uid ?? before);
    }
    assert.equal(
      (await runShell(executor, place, 'echo y >>deep/er/file && cat deep/er/file')).stdout,
      'xy\n',
    );
  });

  test('ends a command that takes too long, and one that is aborted', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const sleep = uniqueSleep();
    const script = `trap '' TERM INT HUP; ${manyProcesses(sleep)}`;
    const late = await runShell(executor, place, script, { timeoutMs: 700 });
    assert.equal(late.timedOut, true);
    assert.deepEqual(processesWith(sleep), []);
    const abort = new AbortController();
    const reason = new Error('no longer wanted');
    const running = runShell(executor, place, script, { signal: abort.signal });
    await eventually('the processes run', () => processesWith(sleep).length >= 4);
    abort.abort(reason);
    await assert.rejects(running, reason);
    assert.deepEqual(processesWith(sleep), []);
  });

  test('leaves nothing behind of a command that ended by itself', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const sleep = uniqueSleep();
    const { code } = await runShell(
      executor,
      place,
      manyProcesses(sleep).replace(/; wait$/, '; sleep 0.1; exit 3'),
    );
    assert.equal(code, 3);
    assert.deepEqual(processesWith(sleep), []);
  });

  test('ends a command that writes too much, and keeps what fits', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const yes = await runShell(executor, place, 'yes', { maxOutputBytes: 10_001 });
    assert.equal(yes.truncated, true);
    assert.equal(yes.stdout, 'y\n'.repeat(5001).slice(0, 10_001));
    const stdoutFile = join(makeTrialFolder(t), 'out');
    const filed = await runShell(executor, place, 'yes', { maxOutputBytes: 200_001, stdoutFile });
    assert.equal(filed.truncated, true);
    assert.equal(filed.stdout, '');
    assert.equal(readFileSync(stdoutFile).length, 200_001);
    const exact = await runShell(executor, place, 'printf 12345', { maxOutputBytes: 5, stdoutFile });
    assert.equal(exact.truncated, false);
    assert.equal(readFileSync(stdoutFile, 'utf8'), '12345');
  });

  test('has a launch that survives JSON, and one that is released twice', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const launch = await executor.launch(place, { argv: ['true'], env: { A: 'b' } }, trialLimits);
    assert.deepEqual(JSON.parse(JSON.stringify(launch)), launch);
    await executor.release(launch);
    await executor.release(launch);
    for (const group of launch.controlGroups) assert.throws(() => readdirSync(group), /ENOENT/);
  });

  test('bounds the processes of a command where it says so', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const launch = await executor.launch(place, { argv: ['true'], env: {} }, trialLimits);
    await executor.release(launch);
    if (!promised.oneKillEndsAll && launch.controlGroups.length === 0) {
      t.skip('no control group can be written here, and nothing else bounds a process without isolation');
      return;
    }
    // Each of them waits, so that the limit is met and not outrun.
    const script = 'i=0; while [ $i -lt 300 ]; do sleep 20 & i=$((i+1)); echo $i; done';
    const { stdout, code } = await runShell(executor, place, script, { timeoutMs: 10_000 });
    const made = Number(stdout.trimEnd().split('\n').at(-1));
    assert.notEqual(code, 0);
    assert.ok(made >= 100 && made <= 135, `${made} processes with a limit of 128`);
  });

  if (promised.oneKillEndsAll) oneKillEndsAll(make);
}

/** Another process that spawns the launch and stays, to be killed, or kills itself `diesAfterMs` later. */
export function startSpawner(t: TestContext, launch: Launch, diesAfterMs?: number): ChildProcess {
  const program = `
    const { spawnLaunch } = await import(${JSON.stringify(new URL('../lib/spawn-launch.ts', import.meta.url).href)});
    const launch = JSON.parse(process.getBuiltinModule('node:fs').readFileSync(0, 'utf8'));
    await spawnLaunch(launch, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
    const diesAfterMs = ${String(diesAfterMs)};
    if (diesAfterMs !== undefined) setTimeout(() => process.kill(process.pid, 'SIGKILL'), diesAfterMs);
    setInterval(() => {}, 1000);`;
  const spawner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: {},
  });
  t.after(() => spawner.kill('SIGKILL'));
  spawner.stdin.end(JSON.stringify(launch));
  return spawner;
}

function oneKillEndsAll(make: (t: TestContext) => Executor): void {
  test('is ended whole by SIGKILL of the spawned process', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const sleep = uniqueSleep();
    const argv = ['/bin/sh', '-c', manyProcesses(sleep)] as const;
    const launch = await executor.launch(place, { argv, env: {} }, trialLimits);
    const spawned = await spawnLaunch(launch, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
    await eventually('the processes run', () => processesWith(sleep).length >= 4);
    process.kill(spawned.pid, 'SIGKILL');
    await eventually('all of them are gone', () => processesWith(sleep).length === 0);
    await spawned.exited;
    await executor.release(launch);
  });

  test('ends with its spawner', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const sleep = uniqueSleep();
    const argv = ['/bin/sh', '-c', manyProcesses(sleep)] as const;
    const launch = await executor.launch(place, { argv, env: {} }, trialLimits);
    const spawner = startSpawner(t, launch);
    await eventually('the processes run', () => processesWith(sleep).length >= 4, 10_000);
    spawner.kill('SIGKILL');
    await eventually('all of them are gone', () => processesWith(sleep).length === 0);
    await executor.release(launch);
  });

  test('starts no command, at whatever moment its spawner is killed', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const sleep = uniqueSleep();
    t.after(() => processesWith(sleep).forEach((pid) => process.kill(pid, 'SIGKILL')));
    // bubblewrap takes some ten milliseconds to build a sandbox: each of them is a moment.
    for (const moment of [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15]) {
      const argv = ['/bin/sh', '-c', 'sleep 1.5; echo ran >>ran', sleep] as const;
      const launch = await executor.launch(place, { argv, env: {} }, trialLimits);
      const spawner = startSpawner(t, launch, moment);
      await new Promise((resolve) => spawner.once('exit', resolve));
      await executor.release(launch);
      // One that had not entered its control group yet finds that gone, and ends by itself.
      if (launch.controlGroups.length > 0)
        await eventually(`nothing is left after ${moment} ms`, () => processesWith(sleep).length === 0);
    }
    // Longer than the last of them would have taken to write; they take so long that a spawner which a busy
    // machine lets die late has not let one finish.
    await delay(1_700);
    assert.equal(existsSync(join(place.tree, 'ran')), false);
  });
}
