import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQuietTokens } from './forge-rate-limit.ts';

test('a token is quiet for the longest time that was asked for', () => {
  let now = 0;
  const quiet = createQuietTokens({ now: () => now });
  quiet.add('a', 5_000);
  quiet.add('a', 1_000);
  now = 4_000;
  assert.deepEqual([quiet.left('a'), quiet.left('b')], [1_000, undefined]);
  now = 5_000;
  assert.equal(quiet.left('a'), undefined);
});

test('of more than a thousand quiet tokens the first are forgotten', () => {
  const quiet = createQuietTokens({ now: () => 0 });
  for (let number = 0; number < 1_001; number += 1) quiet.add(String(number), 1_000);
  assert.deepEqual([quiet.left('0'), quiet.left('1')], [undefined, 1_000]);
});
