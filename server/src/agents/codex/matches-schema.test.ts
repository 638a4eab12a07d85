import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesSchema } from './matches-schema.ts';

const answer = {
  type: 'object',
  properties: {
    verdict: { enum: ['approve', 'comment'] },
    score: { type: 'integer' },
    note: { type: ['string', 'null'] },
    issues: { type: 'array', items: { type: 'object', required: ['line'] } },
  },
  required: ['verdict'],
  additionalProperties: false,
};

test('a value of the asked shape matches', () => {
  for (const value of [
    { verdict: 'approve' },
    { verdict: 'comment', score: 3, note: null, issues: [] },
    { verdict: 'comment', note: 'x', issues: [{ line: 1, more: true }] },
  ]) {
    assert.ok(matchesSchema(value, answer));
  }
});

test('a value of another shape does not', () => {
  for (const value of [
    {},
    null,
    [],
    'approve',
    { verdict: 'reject' },
    { verdict: 'approve', score: 1.5 },
    { verdict: 'approve', note: 1 },
    { verdict: 'approve', issues: [{}] },
    { verdict: 'approve', other: 1 },
  ]) {
    assert.ok(!matchesSchema(value, answer), JSON.stringify(value));
  }
});

test('combinations and constants are looked at, what is not known is let be', () => {
  assert.ok(matchesSchema(1, { anyOf: [{ type: 'string' }, { const: 1 }] }));
  assert.ok(!matchesSchema(2, { anyOf: [{ type: 'string' }, { const: 1 }] }));
  assert.ok(!matchesSchema('a', { allOf: [{ type: 'string' }, { enum: ['b'] }] }));
  assert.ok(matchesSchema('a', { pattern: '^b$' }));
  assert.ok(matchesSchema({ toString: 1 }, { type: 'object', properties: {} }));
  assert.ok(!matchesSchema(1, false));
});
