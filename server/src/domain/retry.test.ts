import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { backoffMs } from '../lib/backoff.ts';
import type { Failure } from './failure.ts';
import { effectBackoff, maxAttempts, nextAttemptInMs, runBackoff } from './retry.ts';

const passing: Failure = {
  code: 'repository_unreachable',
  phase: 'prepare',
  retryable: true,
  message: 'away',
};

test('a failure that may pass is tried three times, after about 2 and 8 seconds', () => {
  assert.equal(nextAttemptInMs(passing, 1, 0), 1_000);
  assert.equal(nextAttemptInMs(passing, 1, 1), 2_000);
  assert.equal(nextAttemptInMs(passing, 2, 1), 8_000);
  assert.equal(nextAttemptInMs(passing, maxAttempts, 0.5), undefined);
});

test('a failure that will not pass is final at once', () => {
  assert.equal(nextAttemptInMs({ ...passing, retryable: false }, 1, 0), undefined);
});

test('waits grow, never beyond their limit, and lie in the upper half of the interval', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.constantFrom(runBackoff, effectBackoff),
      fc.integer({ min: 0, max: 10_000 }),
      random,
      (backoff, attempt, part) => {
        const wait = backoffMs(backoff, attempt, part);
        assert.ok(Number.isSafeInteger(wait));
        assert.ok(wait >= backoff.firstMs / 2 && wait <= backoff.maxMs);
        assert.ok(backoffMs(backoff, attempt + 1, part) >= wait);
      },
    ),
  );
});
