import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { createAgentClock } from './agent-clock.ts';

test('an agent clock stands still on hold, however often that is said', async () => {
  const clock = createAgentClock();
  clock.hold();
  const stood = clock.now();
  await delay(30);
  clock.hold();
  assert.equal(Math.round(clock.now() - stood), 0);
  clock.go();
  clock.go();
  assert.ok(clock.heldMs() >= 29, `${clock.heldMs()} ms`);
  const held = clock.heldMs();
  await delay(15);
  assert.equal(clock.heldMs(), held);
  assert.ok(clock.now() - stood >= 14);
});

test('what is to happen at a time waits while the clock stands, and happens once', async () => {
  const clock = createAgentClock();
  let calls = 0;
  const action = (): void => void (calls += 1);
  clock.at(clock.now() + 40, action);
  clock.hold();
  await delay(80);
  assert.equal(calls, 0);
  clock.go();
  await delay(60);
  clock.hold();
  clock.go();
  await delay(20);
  assert.equal(calls, 1);
});

test('what was called off does not happen, on hold or not', async () => {
  const clock = createAgentClock();
  let calls = 0;
  const action = (): void => void (calls += 1);
  const callOff = [clock.at(clock.now() + 10, action)];
  clock.hold();
  callOff.push(clock.at(clock.now() + 10, action));
  for (const one of callOff) one();
  clock.go();
  await delay(30);
  assert.equal(calls, 0);
});
