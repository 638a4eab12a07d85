import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiDescription } from '../server/src/http/describe-api.ts';
import { apiTypesOf } from './api-types.ts';

function typesOf(schemas: Record<string, object>, paths: object = {}): string {
  return apiTypesOf({ paths, components: { schemas } } as unknown as ApiDescription);
}

test('every schema that the description shares becomes a type of its name', () => {
  const text = typesOf({
    Name: {
      type: 'object',
      description: 'A thing.',
      required: ['kind', 'at', 'more', 'map'],
      properties: {
        kind: { type: 'string', enum: ['one', "it's"], description: 'Which.' },
        count: { type: 'integer' },
        'odd-name': { type: 'boolean' },
        at: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        more: { type: 'array', items: { anyOf: [{ $ref: '#/components/schemas/Other' }, { type: 'null' }] } },
        map: { type: 'object', additionalProperties: { type: 'number' } },
        any: {},
      },
    },
    Other: { type: 'object', patternProperties: { '^.*$': { type: 'string' } } },
  });
  assert.ok(
    text.endsWith(`/** A thing. */
export type Name = {
  /** Which. */
  readonly kind: 'one' | 'it\\'s';
  readonly count?: number | undefined;
  readonly 'odd-name'?: boolean | undefined;
  readonly at: string | null;
  readonly more: readonly (Other | null)[];
  readonly map: Readonly<Record<string, number>>;
  readonly any?: unknown;
};

export type Other = Readonly<Record<string, string>>;

/** What each operation takes and gives, by its id. */
export type Operations = {
};
`),
    text,
  );
});

test('an operation has its query, its body and what it answers when all is well', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const text = typesOf(
    {},
    {
      '/a': {
        post: {
          operationId: 'makeIt',
          summary: 'Make it',
          parameters: [
            { in: 'query', name: 'q', required: false, description: 'What.', schema: { type: 'integer' } },
            { in: 'header', name: 'X', required: false, schema: { type: 'string' } },
          ],
          requestBody: json({ $ref: '#/components/schemas/In' }),
          responses: { 201: json({ $ref: '#/components/schemas/Out' }), 400: json({ type: 'null' }) },
        },
        get: {
          operationId: 'readIt',
          summary: 'Read it',
          responses: { 200: { content: { 'text/plain': { schema: { type: 'string' } } } } },
        },
      },
    },
  );
  assert.ok(
    text.endsWith(`export type Operations = {
  /** Make it */
  readonly makeIt: {
    readonly query: {
      /** What. */
      readonly q?: number | undefined;
    };
    readonly body: In;
    readonly answer: Out;
  };
  /** Read it */
  readonly readIt: {
    readonly answer: string;
  };
};
`),
    text,
  );
});

test('a description cannot end its comment', () => {
  assert.ok(typesOf({ A: { type: 'string', description: 'a */ b\nc' } }).includes('/** a *\\/ b c */'));
});

test('what the generator does not know is an error', () => {
  assert.throws(() => typesOf({ A: { type: ['string', 'null'] } }), /no type is known/u);
});
