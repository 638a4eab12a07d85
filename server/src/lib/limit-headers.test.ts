import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitedForMs, retryAfterOf } from './limit-headers.ts';

const names = { remaining: 'x-left', reset: 'x-reset' };
const clock = { now: () => 1_800_000_000_000 };
const limited = (headers: Readonly<Record<string, string>>): number =>
  limitedForMs(new Headers(headers), names, clock);

test('a limit lasts as long as the API says, within a second and an hour', () => {
  assert.equal(limited({ 'retry-after': '30' }), 30_000);
  assert.equal(limited({ 'x-left': '0', 'x-reset': '1800000045' }), 45_000);
  assert.equal(limited({ 'retry-after': '30', 'x-left': '0', 'x-reset': '1800000900' }), 30_000);
  assert.equal(limited({ 'retry-after': '0' }), 1_000);
  assert.equal(limited({ 'x-left': '0', 'x-reset': '1799999999' }), 1_000);
  assert.equal(limited({ 'retry-after': '99999999' }), 3_600_000);
});

test('a limit without a time, or with one that is none, lasts a minute', () => {
  assert.equal(limited({}), 60_000);
  assert.equal(limited({ 'x-left': '17', 'x-reset': '1800000900' }), 60_000);
  assert.equal(limited({ 'x-left': '0', 'x-reset': 'soon' }), 60_000);
  assert.equal(limited({ 'retry-after': '-5e9' }), 60_000);
});

test('a time to wait may be a date', () => {
  const headers = new Headers({ 'retry-after': new Date(clock.now() + 9_000).toUTCString() });
  assert.equal(retryAfterOf(headers, clock), 9_000);
});
