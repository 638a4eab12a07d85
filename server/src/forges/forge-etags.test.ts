import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEtagCache, type KeptAnswer } from './forge-etags.ts';

const answer = (text: string): KeptAnswer => ({ etag: '"1"', text, headers: new Headers() });

test('the answer that was used longest ago is forgotten first', () => {
  const cache = createEtagCache({ answers: 2, characters: 1_000 });
  cache.keep('a', answer('1'));
  cache.keep('b', answer('2'));
  cache.find('a');
  cache.keep('c', answer('3'));
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => cache.find(key)?.text),
    ['1', undefined, '3'],
  );
});

test('all answers together stay within their characters, also after one was kept anew', () => {
  const cache = createEtagCache({ answers: 100, characters: 100 });
  for (let round = 0; round < 10; round += 1) cache.keep('a', answer('x'.repeat(20)));
  for (const key of ['b', 'c', 'd', 'e']) cache.keep(key, answer('x'.repeat(20)));
  assert.ok(cache.find('a') !== undefined, 'five of 20 fit');
  cache.keep('f', answer('x'.repeat(20)));
  assert.equal(cache.find('b'), undefined);
  cache.keep('huge', answer('x'.repeat(26)));
  assert.equal(cache.find('huge'), undefined);
  assert.ok(cache.find('f') !== undefined);
});
