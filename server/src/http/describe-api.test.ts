import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { describeApi } from './describe-api.ts';
import { documented, stated, type Documentation } from './documented.ts';

const thing = Type.Object({ id: Type.String({ format: 'uuid' }) }, { title: 'Thing' });
const answers = { 200: { description: 'It.', schema: thing } };
const about: Documentation = { operationId: 'getThing', summary: 'Read it', tag: 'System', answers };

const describe = (addRoutes: (app: FastifyInstance) => void) => describeApi('1.0.0', addRoutes);

test('a route is described by its schemas and its words, and what it shares stands once', async () => {
  const query = Type.Object({
    limit: Type.Optional(
      Type.String({ description: 'How many.', ...stated({ type: 'integer', maximum: 9 }) }),
    ),
  });
  const { paths, components } = await describe((app) => {
    const schema = { querystring: query, params: Type.Object({ id: Type.String() }) };
    app.get('/things/:id', { schema, config: documented(about) }, async () => ({}));
    const list = { ...about, operationId: 'listThings', open: true };
    app.get('/things', { config: documented(list) }, async () => ({}));
  });
  const one = paths['/things/{id}']?.['get'] as Record<string, unknown>;
  assert.deepEqual(
    (one['parameters'] as readonly Record<string, unknown>[]).map(({ in: place, name, schema }) => [
      place,
      name,
      schema,
    ]),
    [
      ['query', 'limit', { type: 'integer', maximum: 9 }],
      ['path', 'id', { type: 'string' }],
    ],
  );
  const responses = one['responses'] as Record<string, unknown>;
  assert.deepEqual(Object.keys(responses), ['200', '400', '401', '500', '503']);
  assert.deepEqual(responses['200'], {
    description: 'It.',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
  });
  assert.deepEqual(responses['401'], { $ref: '#/components/responses/Unauthenticated' });
  assert.deepEqual(Object.keys(components.schemas), ['ErrorBody', 'Thing']);
  const all = paths['/things']?.['get'];
  assert.deepEqual([all?.['security'], Object.keys(all?.['responses'] as object)], [[], ['200', '500']]);
});

test('a body is described with what the handler checks, and refuses what is not so', async () => {
  const body = Type.Object(
    { title: Type.String({ ...stated({ maxLength: 5 }) }), type: Type.Optional(Type.String()) },
    { title: 'Input' },
  );
  const { paths, components } = await describe((app) => {
    const documentation = { ...about, requestExample: { title: 'x' }, errors: { 409: 'Taken.' } };
    app.post('/things', { schema: { body }, config: documented(documentation) }, async () => ({}));
  });
  const operation = paths['/things']?.['post'];
  assert.deepEqual(operation?.['requestBody'], {
    required: true,
    content: {
      'application/json': { schema: { $ref: '#/components/schemas/Input' }, example: { title: 'x' } },
    },
  });
  assert.deepEqual(components.schemas['Input'], {
    type: 'object',
    required: ['title'],
    properties: { title: { type: 'string', maxLength: 5 }, type: { type: 'string' } },
  });
  const responses = operation?.['responses'] as Record<string, unknown>;
  assert.deepEqual(Object.keys(responses), ['200', '400', '401', '409', '413', '500', '503']);
});

test('what would make the description wrong is an error', async () => {
  await assert.rejects(
    describe((app) => void app.get('/x', async () => ({}))),
    /nothing describes GET \/x/u,
  );
  await assert.rejects(
    describe((app) => {
      app.get('/x', { config: documented(about) }, async () => ({}));
      app.get('/y', { config: documented(about) }, async () => ({}));
    }),
    /two routes have the operation id getThing/u,
  );
  const other = Type.Object({ id: Type.Integer() }, { title: 'Thing' });
  await assert.rejects(
    describe((app) => {
      app.get('/x', { config: documented(about) }, async () => ({}));
      const clashing = { ...about, operationId: 'b', answers: { 200: { description: '', schema: other } } };
      app.get('/y', { config: documented(clashing) }, async () => ({}));
    }),
    /two different schemas have the title Thing/u,
  );
});
