import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternate, median, pairedRatio, percentile } from './measure.ts';

test('a percentile is a value that was measured, whatever the order', () => {
  const values = [50, 10, 40, 20, 30];
  assert.equal(percentile(values, 50), 30);
  assert.equal(percentile(values, 95), 50);
  assert.equal(percentile(values, 20), 10);
  assert.equal(percentile(values, 0), 10);
  assert.deepEqual(values, [50, 10, 40, 20, 30], 'the values stay as they were');
});

test('the 99th percentile of a hundred values is the last but one', () => {
  const values = Array.from({ length: 100 }, (_, at) => at + 1);
  assert.equal(percentile(values, 99), 99);
  assert.equal(percentile(values, 100), 100);
});

test('nothing measured is an error, not a zero', () => {
  assert.throws(() => percentile([], 50), RangeError);
  assert.throws(() => median([]), RangeError);
  assert.throws(() => pairedRatio([], []), RangeError);
});

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7, 1, 2]), 2);
});

test('a slow moment that hits both halves of a pair leaves the ratio as it is', () => {
  assert.equal(pairedRatio([11, 110, 22], [10, 100, 20]), 1.1);
  assert.throws(() => pairedRatio([1, 2], [1]), RangeError);
});

test('rounds alternate, and neither kind always comes first', async () => {
  const order: string[] = [];
  const measured = await alternate(
    3,
    async (round) => order.push(`a${round}`),
    async (round) => order.push(`b${round}`),
  );
  assert.deepEqual(order, ['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
  assert.equal(measured.first.length, 3);
  assert.equal(measured.second.length, 3);
});
