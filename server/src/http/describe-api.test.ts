import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { describeApi } from './describe-api.ts';
import { documented, stated, type Documentation } from './documented.ts';

const thing = Type.Object({ id: Type.String({ format: 'uuid' }) }, { title: 'Thing' });
const answers = { 200: { description: 'It.', schema: thing } };
const about = {
  operationId: 'getThing',
  summary: 'Read it',
  tag: 'System',
  needs: 'any credential',
  answers,
} as const satisfies Documentation;

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
    const { needs: _needs, ...words } = about;
    const list = { ...words, operationId: 'listThings', open: true } as const;
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

test('an operation says what its caller needs, to people and to programs', async () => {
  const { paths, components } = await describe((app) => {
    const start = {
      ...about,
      operationId: 'startThing',
      description: 'At once.',
      needs: 'runs:start',
    } as const;
    const errors = { 403: 'It is locked.' };
    app.get('/start', { config: documented(start) }, async () => ({}));
    app.get('/locked', { config: documented({ ...start, operationId: 'b', errors }) }, async () => ({}));
    const rule = { ...about, operationId: 'ruleThing', needs: 'administrator' } as const;
    app.get('/rule', { config: documented(rule) }, async () => ({}));
    app.get('/any', { config: documented(about) }, async () => ({}));
  });
  const start = paths['/start']?.['get'];
  assert.equal(start?.['description'], 'At once.\n\nNeeds the ability `runs:start`.');
  assert.deepEqual(start['security'], [{ bearer: ['runs:start'] }, { apiKey: ['runs:start'] }]);
  const responsesOf = (path: string) => paths[path]?.['get']?.['responses'] as Record<string, unknown>;
  assert.deepEqual(responsesOf('/start')['403'], { $ref: '#/components/responses/Forbidden' });
  assert.ok('Forbidden' in components.responses);
  assert.match(JSON.stringify(responsesOf('/locked')['403']), /It is locked\. Or the credential lacks/u);
  assert.equal(paths['/rule']?.['get']?.['description'], 'For administrators.');
  const any = paths['/any']?.['get'];
  assert.deepEqual([any?.['description'], any?.['security']], [undefined, undefined]);
  assert.equal(responsesOf('/any')['403'], undefined);
});

test('a surface has its errors described in its own form', async () => {
  const schema = Type.Object({ wrong: Type.String() }, { title: 'Wrong' });
  const form = { schema, bodyOf: () => ({ wrong: 'x' }), messages: {} };
  const { paths } = await describe((app) => {
    app.get('/things', { config: documented({ ...about, errorForm: form }) }, async () => ({}));
  });
  const responses = paths['/things']?.['get']?.['responses'] as Record<string, Record<string, unknown>>;
  assert.deepEqual(responses['500'], {
    description: 'A fault of the server: its log has the text, under the id of the request.',
    content: {
      'application/json': { schema: { $ref: '#/components/schemas/Wrong' }, example: { wrong: 'x' } },
    },
  });
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
