import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { eventually, processesWith, uniqueSleep } from '../../src/executors/executor.contract.ts';
import { closeInheritedDescriptors } from '../../src/lib/inherited-descriptors.ts';
import type { FromSupervisor, ToSupervisor } from '../../src/supervisor/protocol.ts';
import { parseExit, parseFromSupervisor, parseToSupervisor } from '../../src/supervisor/records.ts';
import { attachTo, endOf, prepareRun, spooled, startRun } from '../support/supervised-run.ts';

closeInheritedDescriptors();

test('every message comes through as it was sent, and what is none does not', () => {
  const exit = {
    reason: 'finished',
    code: null,
    signal: 'SIGKILL',
    outputBytes: 1,
    startedAt: 'then',
    endedAt: 'now',
    heldMs: 5,
    detail: '',
  } as const;
  const to: readonly ToSupervisor[] = [
    { type: 'stop', graceMs: 1 },
    { type: 'input', key: 'k', text: 't', end: false },
    { type: 'hold' },
    { type: 'go' },
    { type: 'finish', graceMs: 2 },
  ];
  const from: readonly FromSupervisor[] = [
    { type: 'output', bytes: 1 },
    { type: 'notices', count: 2 },
    { type: 'exit', exit },
  ];
  for (const message of to) assert.deepEqual(parseToSupervisor({ ...message, more: 1 }), message);
  for (const message of from) assert.deepEqual(parseFromSupervisor({ ...message, more: 1 }), message);
  const { heldMs: _, ...older } = exit;
  assert.deepEqual(parseExit(older), older);
  for (const value of [null, 'go', {}, { type: 'finish' }, { type: 'input', text: 't', end: true }]) {
    assert.equal(parseToSupervisor(value), undefined);
    assert.equal(parseFromSupervisor(value), undefined);
  }
});

test('input is written once for each key, whoever sends it and however often', async (t) => {
  const run = await prepareRun(t, 'cat', { input: 'first\n', keepInput: true });
  await startRun(run);
  const before = await attachTo(t, run);
  before.input({ key: 'a', text: 'a\n', end: false });
  before.input({ key: 'a', text: 'another a\n', end: false });
  await eventually('it is written', () => spooled(run, 'output') === 'first\na\n', 5000);
  before.close();
  // A server that was started anew reads the output again, and wants to say it all again.
  const after = await attachTo(t, run);
  after.input({ key: 'a', text: 'a\n', end: false });
  after.input({ key: 'b', text: 'b\n', end: true });
  after.input({ key: 'c', text: 'too late\n', end: false });
  assert.equal((await endOf(run)).code, 0);
  assert.equal(spooled(run, 'output'), 'first\na\nb\n');
});

test('on hold neither the time nor a silence runs, and both go on where they stood', async (t) => {
  const run = await prepareRun(t, 'echo ready; cat', {
    keepInput: true,
    limits: { timeMs: 1500, silenceMs: 1000 },
  });
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('it is ready', () => spooled(run, 'output') === 'ready\n', 5000);
  attached.hold();
  attached.hold();
  await delay(2000);
  attached.input({ key: 'a', text: 'alive\n', end: false });
  await eventually('it lives', () => spooled(run, 'output') === 'ready\nalive\n', 5000);
  const startedAt = performance.now();
  attached.go();
  attached.go();
  const exit = await endOf(run);
  const took = performance.now() - startedAt;
  assert.equal(exit.reason, 'silence_limit');
  assert.ok(took > 900 && took < 2500, `${took} ms`);
  assert.ok(exit.heldMs !== undefined && exit.heldMs >= 1950, String(exit.heldMs));
  assert.ok(exit.heldMs <= Date.parse(exit.endedAt) - Date.parse(exit.startedAt));
});

test('a run on hold that nobody watches over ends', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(t, `sleep ${sleep}`, { limits: { unattendedMs: 500 } });
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('it runs', () => processesWith(sleep).length === 1);
  attached.hold();
  attached.close();
  await eventually('it is ended', () => processesWith(sleep).length === 0);
  assert.equal((await endOf(run)).reason, 'unattended');
});

test('an agent that has finished sees the end of its input, and leaves by itself', async (t) => {
  const run = await prepareRun(t, 'cat; echo bye; exit 3', { keepInput: true });
  await startRun(run);
  const attached = await attachTo(t, run);
  attached.input({ key: 'a', text: 'last\n', end: false });
  attached.finish(20_000);
  const exit = await endOf(run);
  assert.deepEqual([exit.reason, exit.code], ['exited', 3]);
  assert.equal(spooled(run, 'output'), 'last\nbye\n');
});

test('an agent that does not leave is ended when its grace is over, which is given once', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(t, `trap '' TERM; echo ready; sleep ${sleep} & wait; sleep ${sleep}`);
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('it is ready', () => spooled(run, 'output') === 'ready\n', 5000);
  const startedAt = performance.now();
  attached.finish(700);
  const again = setInterval(() => attached.finish(700), 100);
  const exit = await endOf(run);
  clearInterval(again);
  const took = performance.now() - startedAt;
  assert.equal(exit.reason, 'finished');
  assert.ok(took >= 650 && took < 2500, `${took} ms`);
  assert.deepEqual(processesWith(sleep), []);
});
