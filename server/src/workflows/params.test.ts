import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowDefinition } from '../domain/workflow.ts';
import { readParams } from './params.ts';

const definition: WorkflowDefinition = {
  name: 'w',
  description: '',
  steps: [],
  parameters: [
    { name: 'repo_url', required: true },
    { name: 'count', required: false, default: '3' },
    { name: 'token', required: false, sensitive: true },
    { name: 'constructor', required: false },
  ],
};

test('texts, numbers, true and false are taken as texts; sensitive ones are shown masked', () => {
  assert.deepEqual(readParams(definition, { repo_url: 'u', count: 5, token: 's3cret', constructor: true }), {
    params: { repo_url: 'u', count: '5', token: 's3cret', constructor: 'true' },
    shown: { repo_url: 'u', count: '5', token: '***', constructor: 'true' },
  });
});

test('what is left out or empty has its default, or is not there', () => {
  const expected = { repo_url: 'u', count: '3' };
  for (const given of [{ repo_url: 'u' }, { repo_url: 'u', count: '', token: null }]) {
    assert.deepEqual(readParams(definition, given), { params: expected, shown: expected });
  }
});

test('a required parameter that is missing or empty is named', () => {
  for (const given of [undefined, null, {}, { repo_url: '' }, { repo_url: null }]) {
    assert.deepEqual(readParams(definition, given), { problem: 'missing required parameter: repo_url' });
  }
});

test('what is no parameter, or no value for one, is named without the value', () => {
  const cases: readonly (readonly [given: unknown, field: string, problem: string])[] = [
    [{ repo_url: 'u', other: 's3cret' }, 'params.other', 'is not a parameter'],
    [JSON.parse('{"repo_url":"u","__proto__":"x"}'), 'params.__proto__', 'is not a parameter'],
    [{ repo_url: ['s3cret'] }, 'params.repo_url', 'must be a string'],
    [{ repo_url: 'x'.repeat(102_401) }, 'params.repo_url', 'exceeds maximum length'],
    [{ repo_url: 'a\u0000s3cret' }, 'params.repo_url', 'must be valid Unicode without NUL'],
    [['s3cret'], 'params', 'must be an object'],
    ['s3cret', 'params', 'must be an object'],
  ];
  for (const [given, field, problem] of cases) {
    assert.deepEqual(readParams(definition, given), {
      problem: `${field}: ${problem}`,
      fields: Object.fromEntries([[field, problem]]),
    });
  }
});

test('all of them together have at most 512 KB', () => {
  const parameters = Array.from({ length: 6 }, (_none, index) => ({ name: `p${index}`, required: false }));
  const given = Object.fromEntries(parameters.map(({ name }) => [name, 'x'.repeat(100_000)]));
  assert.deepEqual(readParams({ ...definition, parameters }, given), {
    problem: 'params: exceeds maximum length',
    fields: { params: 'exceeds maximum length' },
  });
});
