import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { createGatherer, type Gathering } from './gather.ts';

/** A gatherer of numbers, whose batches end when the test lets them. */
function makeGatherer(more: Partial<Gathering<number, string>> = {}) {
  const batches: { readonly items: readonly number[]; readonly end: PromiseWithResolvers<void> }[] = [];
  const gather = createGatherer<number, string>({
    async perform(items) {
      const end = Promise.withResolvers<void>();
      batches.push({ items, end });
      await end.promise;
      return items.map((item) => `did ${item}`);
    },
    isAway: () => true,
    itemsPerBatch: 4,
    batchesAtOnce: 2,
    ...more,
  });
  return {
    gather,
    sent: () => batches.map(({ items }) => items),
    end: (batch: number) => batches[batch]?.end.resolve(),
    fail: (batch: number, error: Error) => batches[batch]?.end.reject(error),
  };
}

test('an item that is alone goes with this turn, and what comes in the same turn goes with it', async () => {
  const { gather, sent, end } = makeGatherer();
  const alone = gather(1);
  await nextTurn();
  assert.deepEqual(sent(), [[1]]);
  const together = [gather(2), gather(3)];
  await nextTurn();
  assert.deepEqual(sent(), [[1], [2, 3]]);
  end(1);
  assert.deepEqual(await Promise.all(together), ['did 2', 'did 3']);
  end(0);
  assert.equal(await alone, 'did 1');
});

test('what comes while as many batches as may be are on their way goes with the next, in order and bounded', async () => {
  const { gather, sent, end } = makeGatherer();
  const all = [gather(1)];
  await nextTurn();
  all.push(gather(2));
  await nextTurn();
  for (let item = 3; item <= 9; item += 1) all.push(gather(item));
  await nextTurn();
  assert.deepEqual(sent(), [[1], [2]]);
  end(1);
  assert.equal(await all[1], 'did 2');
  await nextTurn();
  assert.deepEqual(sent(), [[1], [2], [3, 4, 5, 6]]);
  end(0);
  end(2);
  await Promise.all(all.slice(0, 6));
  await nextTurn();
  assert.deepEqual(sent().slice(3), [[7, 8, 9]]);
  end(3);
  assert.deepEqual(
    await Promise.all(all),
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((item) => `did ${item}`),
  );
});

test('one item that cannot be done fails alone where the batch has left nothing behind', async () => {
  const sent: (readonly number[])[] = [];
  const gather = createGatherer<number, number>({
    async perform(items) {
      sent.push(items);
      if (items.includes(3)) throw new Error('3 cannot be done');
      return items.map((item) => item * 10);
    },
    isAway: () => false,
    itemsPerBatch: 4,
    batchesAtOnce: 1,
  });
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map((item) => gather(item)));
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason))),
    [10, 20, 'Error: 3 cannot be done', 40, 50],
  );
  assert.deepEqual(sent, [[1, 2, 3, 4], [1], [2], [3], [4], [5]]);
});

test('when the other side is away nothing is repeated, what waits fails too, and what comes later is tried', async () => {
  const { gather, sent, fail, end } = makeGatherer({ batchesAtOnce: 1 });
  const sentOut = [gather(1), gather(2)];
  await nextTurn();
  const lost = Promise.allSettled([...sentOut, gather(3)]);
  fail(0, new Error('away'));
  for (const outcome of await lost) {
    assert.equal(outcome.status === 'rejected' && String(outcome.reason), 'Error: away');
  }
  const after = gather(4);
  await nextTurn();
  end(1);
  assert.equal(await after, 'did 4');
  assert.deepEqual(sent(), [[1, 2], [4]]);
});
