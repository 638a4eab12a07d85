import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cutOpenapiSlice } from './cut-openapi-slice.ts';
import { checkAnswer, matchOperation } from './openapi-check.ts';
import { githubOperations } from './openapi-operations.ts';

const description = {
  paths: {
    '/user': {
      get: {
        description: 'left out',
        parameters: [{ $ref: '#/components/parameters/page' }],
        responses: { '200': { $ref: '#/components/responses/user' }, '304': { description: 'none' } },
      },
      patch: { responses: {} },
    },
  },
  components: {
    parameters: { page: { name: 'page', in: 'query', schema: { type: 'integer', default: 1 } } },
    responses: {
      user: { content: { 'application/json': { schema: { $ref: '#/components/schemas/user' } } } },
    },
    schemas: {
      user: {
        type: 'object',
        properties: {
          description: { type: 'string', description: 'a field of that name stays', nullable: true },
          plan: { nullable: true, allOf: [{ $ref: '#/components/schemas/plan' }] },
        },
      },
      plan: { type: 'string', enum: ['free'], nullable: true },
      other: { type: 'string' },
    },
  },
};

test('an operation is cut with the schemas that it needs, without texts, and null where it is allowed', () => {
  assert.deepEqual(cutOpenapiSlice(description, ['GET /user']), {
    operations: {
      'GET /user': {
        parameters: [{ name: 'page', in: 'query', required: false, schema: { type: 'integer' } }],
        answers: { '200': { $ref: '#/schemas/user' }, '304': null },
      },
    },
    schemas: {
      plan: { type: ['string', 'null'], enum: ['free', null] },
      user: {
        type: 'object',
        properties: {
          description: { type: ['string', 'null'] },
          plan: { anyOf: [{ allOf: [{ $ref: '#/schemas/plan' }] }, { type: 'null' }] },
        },
      },
    },
  });
});

test('an operation that the description does not have is named', () => {
  assert.throws(() => cutOpenapiSlice(description, ['GET /nothing']), /has no paths \/nothing get/u);
});

test('the slice holds the operations that are listed, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, 'openapi-slice.json'), 'utf8');
  const slice = JSON.parse(text) as { readonly operations: object };
  assert.deepEqual(Object.keys(slice.operations), [...githubOperations]);
});

test('an answer that is not as described is told, with the place', () => {
  const operation = matchOperation('GET', '/repos/ada/app/issues/1/labels');
  assert.ok(operation);
  const label = { id: 1, node_id: 'x', url: 'https://github.com/l', name: 'bug', description: null };
  assert.deepEqual(checkAnswer(operation, 200, [{ ...label, color: 'red', default: false }]), []);
  assert.deepEqual(checkAnswer(operation, 200, [{ ...label, color: 1, default: false }]), [
    '/0/color: must be string',
  ]);
  assert.deepEqual(checkAnswer(operation, 201, []), ['201 is not described']);
});
