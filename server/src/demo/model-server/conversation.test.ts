import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMarker, type Said } from './conversation.ts';

const result: Said = { kind: 'tool_result' };
const user = (text: string): Said => ({ kind: 'user', text });

test('the last marker of the last message that has one counts, and the results behind it', () => {
  const history = [
    user('[[scenario:text]]'),
    result,
    user('a [[scenario:loop]] b [[scenario:write:x.txt]]'),
    result,
    user('go on'),
    result,
  ];
  assert.deepEqual(findMarker(history), {
    marker: '[[scenario:write:x.txt]]',
    name: 'write',
    argument: 'x.txt',
    step: 2,
    prompt: 'a [[scenario:loop]] b [[scenario:write:x.txt]]',
  });
});

test('without a marker there is nothing to find', () => {
  assert.equal(findMarker([user('[[scenario]] [scenario:text] [[scenario:text]'), result]), undefined);
  assert.equal(findMarker([]), undefined);
});
