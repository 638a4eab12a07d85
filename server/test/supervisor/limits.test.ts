import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { findControlGroups } from '../../src/executors/control-groups.ts';
import {
  eventually,
  manyProcesses,
  processesWith,
  uniqueSleep,
} from '../../src/executors/executor.contract.ts';
import { createProcessExecutor } from '../../src/executors/process/process-executor.ts';
import { closeInheritedDescriptors } from '../../src/lib/inherited-descriptors.ts';
import {
  attachTo,
  endOf,
  makeSandboxes,
  prepareRun,
  runToEnd,
  spooled,
  startRun,
} from '../support/supervised-run.ts';
import { passAsOrdinaryUser } from '../support/ordinary-user.ts';

closeInheritedDescriptors();

const mebibyte = 1024 * 1024;
const noControlGroups = { kind: 'none' } as const;
/** Takes hold of memory, a megabyte at a time, and tells nobody. */
const eater = "perl -e 'my @held; push @held, chr(65 + $_ % 26) x 1048576 for 1 .. 2000; sleep 60'";

test('a stop ends a sandbox with all that ignores it, within three seconds', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(
    t,
    `trap '' TERM INT HUP; ${manyProcesses(sleep)}; while :; do sleep ${sleep}; done`,
  );
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('the processes run', () => processesWith(sleep).length >= 4);
  const startedAt = performance.now();
  attached.stop(1000);
  const exit = await endOf(run);
  const took = performance.now() - startedAt;
  assert.equal(exit.reason, 'stopped');
  assert.deepEqual(processesWith(sleep), []);
  assert.ok(took >= 900 && took < 3000, `${took} ms`);
});

test('a second word cuts the grace short', async (t) => {
  const run = await prepareRun(t, "trap '' TERM; echo ready; while :; do sleep 0.1; done");
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('it is ready', () => spooled(run, 'output') === 'ready\n', 5000);
  const startedAt = performance.now();
  attached.stop(30_000);
  attached.stop(0);
  assert.equal((await endOf(run)).reason, 'stopped');
  assert.ok(performance.now() - startedAt < 3000);
});

test('an agent that is asked to stop may say its last word', async (t) => {
  const run = await prepareRun(t, "trap 'echo last; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('it is ready', () => spooled(run, 'output') === 'ready\n', 5000);
  attached.stop(5000);
  const exit = await endOf(run);
  assert.deepEqual([exit.reason, exit.code, spooled(run, 'output')], ['stopped', 5, 'ready\nlast\n']);
});

test('nothing that an agent leaves behind outlives it', async (t) => {
  const sleep = uniqueSleep();
  const { exit } = await runToEnd(t, manyProcesses(sleep).replace(/; wait$/, '; sleep 0.1; exit 2'));
  assert.deepEqual([exit.reason, exit.code], ['exited', 2]);
  assert.deepEqual(processesWith(sleep), []);
});

test('without isolation what an agent leaves behind is found by its control group', async (t) => {
  if (findControlGroups().kind === 'none') {
    t.skip('no control group can be written here');
    return;
  }
  const sleep = uniqueSleep();
  const run = await prepareRun(t, manyProcesses(sleep), { executor: createProcessExecutor() });
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('the processes run', () => processesWith(sleep).length >= 4);
  attached.stop(0);
  assert.equal((await endOf(run)).reason, 'stopped');
  assert.deepEqual(processesWith(sleep), []);
});

test('the whole time of a run is limited', async (t) => {
  const { exit } = await runToEnd(t, 'while :; do echo x; sleep 0.05; done', { limits: { timeMs: 700 } });
  assert.deepEqual([exit.reason, exit.detail], ['time_limit', 'It ran for 0.7 s.']);
});

test('a silence is limited, and output of either kind breaks it', async (t) => {
  const { exit, errors } = await runToEnd(t, 'for i in 1 2 3 4 5; do sleep 0.4; echo x >&2; done; sleep 30', {
    limits: { silenceMs: 1200 },
  });
  assert.deepEqual([exit.reason, exit.detail], ['silence_limit', 'It wrote nothing for 1.2 s.']);
  assert.equal(errors, 'x\n'.repeat(5));
});

test('output is kept up to its limit to the byte, and what goes on writing is ended', async (t) => {
  const { exit, output } = await runToEnd(t, 'yes', { limits: { outputBytes: 1_000_001 } });
  assert.equal(exit.reason, 'output_limit');
  assert.equal(exit.outputBytes, 1_000_001);
  assert.equal(output, 'y\n'.repeat(500_001).slice(0, 1_000_001));
});

test('a hundred megabytes pass through, a line of twenty too, and of errors the first 256 KiB', async (t) => {
  const script =
    'yes 0123456789abcde | head -c 100000000; head -c 20000000 /dev/zero | tr "\\0" L; echo; ' +
    'yes error | head -c 1000000 >&2';
  const { exit, output, errors } = await runToEnd(t, script);
  assert.deepEqual([exit.reason, exit.code, exit.outputBytes], ['exited', 0, 120_000_001]);
  assert.equal(output.length, 120_000_001);
  assert.equal(output.slice(100_000_000), `${'L'.repeat(20_000_000)}\n`);
  assert.equal(errors, 'error\n'.repeat(50_000).slice(0, 256 * 1024));
});

test('a hundred megabytes end a run that may write less', async (t) => {
  const { exit } = await runToEnd(t, 'head -c 100000000 /dev/zero', {
    limits: { outputBytes: 10 * mebibyte },
  });
  assert.deepEqual([exit.reason, exit.outputBytes], ['output_limit', 10 * mebibyte]);
});

test('a control group ends what eats the memory', async (t) => {
  if (findControlGroups().kind === 'none') {
    t.skip('no control group can be written here');
    return;
  }
  const { exit } = await runToEnd(t, `${eater}; exit $?`, { sandbox: { memoryBytes: 64 * mebibyte } });
  assert.equal(exit.reason, 'memory_limit');
  assert.match(exit.detail, /needed more than 64 MiB/);
});

test('an agent survives that one of its processes was ended for its memory', async (t) => {
  if (findControlGroups().kind === 'none') {
    t.skip('no control group can be written here');
    return;
  }
  const { exit, output } = await runToEnd(t, `${eater}; echo "code $?"; exit 0`, {
    sandbox: { memoryBytes: 64 * mebibyte },
  });
  assert.deepEqual([exit.reason, exit.code, output], ['exited', 0, 'code 137\n']);
  assert.match(exit.detail, /ended 1 of its processes/);
});

test('without a control group the supervisor ends what eats the memory', async (t) => {
  const { exit } = await runToEnd(t, eater, {
    executor: makeSandboxes(t, noControlGroups),
    sandbox: { memoryBytes: 64 * mebibyte },
  });
  assert.equal(exit.reason, 'memory_limit');
  assert.match(exit.detail, /^It held \d+ MiB of 64 MiB\.$/);
});

test('memory that forked processes share counts once', async (t) => {
  const script =
    "perl -e 'my $held = q(x) x 40_000_000; for (1 .. 6) { fork or do { sleep 2; exit } } sleep 2; print qq(done\\n)'";
  const { exit, output } = await runToEnd(t, script, {
    executor: makeSandboxes(t, noControlGroups),
    sandbox: { memoryBytes: 128 * mebibyte },
  });
  assert.deepEqual([exit.reason, output], ['exited', 'done\n'], exit.detail);
});

test('what fills the disk is ended', async (t) => {
  const { exit } = await runToEnd(
    t,
    'mkdir deep; while :; do head -c 4M /dev/zero >>deep/file; sleep 0.02; done',
    {
      limits: { diskBytes: 64 * mebibyte },
    },
  );
  assert.deepEqual([exit.reason, exit.detail], ['disk_limit', 'Its files took more than 64 MiB.']);
});

test('forking without end stays within the limit on processes', async (t) => {
  const sleep = uniqueSleep();
  const bomb = `f() { f | f & }; sleep ${sleep} & f; while :; do sleep 1; done`;
  const run = await prepareRun(t, bomb, { limits: { timeMs: 1500 } });
  await startRun(run);
  const exit = await endOf(run);
  assert.ok(exit.reason === 'time_limit' || exit.reason === 'exited', exit.reason);
  assert.deepEqual(processesWith(sleep), []);
});

test('a sandbox that nobody watches over ends', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(t, `sleep ${sleep}`, { limits: { unattendedMs: 600 } });
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('it runs', () => processesWith(sleep).length === 1);
  const longer = new Promise((resolve) => setTimeout(resolve, 900));
  await longer;
  assert.equal(processesWith(sleep).length, 1);
  attached.close();
  await eventually('it is ended', () => processesWith(sleep).length === 0);
  assert.equal((await endOf(run)).reason, 'unattended');
});

for (const file of ['limits.test.ts', 'lifecycle.test.ts']) {
  test(`an ordinary user passes ${file} as well`, (t) =>
    passAsOrdinaryUser(t, join(import.meta.dirname, file)));
}
