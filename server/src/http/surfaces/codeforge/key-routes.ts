import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { documented } from '../../documented.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import {
  createdKey,
  createKeyBody,
  deletedKey,
  invalidKey,
  keyList,
  keyParams,
  validKey,
} from './key-schemas.ts';
import { parseKey } from './key-submission.ts';
import { dropNulls, idempotencyKeyOf, leavingOf } from '../../request-parts.ts';

/** Keys for forges and for git, which tasks name, and for Sentry. */
export function addKeyRoutes(api: FastifyInstance, { services, auth, closing }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.post(
    '/keys',
    {
      schema: { body: createKeyBody, response: { 201: createdKey } },
      config: documents.create,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const key = parseKey(request.body, idempotencyKeyOf(request));
      await services.keys.register(auth.callerOf(request), key);
      return reply.code(201).send({ name: key.name, provider: key.provider, message: 'key registered' });
    },
  );
  typed.get('/keys', { config: documents.list }, async (request) => {
    const keys = await services.keys.list(auth.callerOf(request));
    return {
      keys: keys.map(({ name, provider, scope, createdAt }) => ({
        name,
        provider,
        scope,
        created_at: createdAt.toISOString(),
      })),
    };
  });
  typed.get(
    '/keys/:name/verify',
    { schema: { params: keyParams, response: { 200: validKey, 422: invalidKey } }, config: documents.verify },
    async (request, reply) => {
      const signal = AbortSignal.any([closing, leavingOf(reply)]);
      const verdict = await services.keys.verify(auth.callerOf(request), request.params.name, signal);
      if (!verdict.valid) return reply.code(422).send(verdict);
      return reply.send({ ...verdict, error: '' });
    },
  );
  typed.delete(
    '/keys/:name',
    { schema: { params: keyParams, response: { 200: deletedKey } }, config: documents.remove },
    async (request) => {
      await services.keys.remove(auth.callerOf(request), request.params.name);
      return { message: 'key deleted' };
    },
  );
}

const example = { name: 'my-github-key', provider: 'github' };
const unknown = { 404: 'The caller has no such key.' };

const documents = {
  create: documented({
    operationId: 'createKey',
    summary: 'Store a token under a name',
    description:
      "The token is kept encrypted and never returned. It is used for tasks of its owner that name it, and one for Sentry to look at what Sentry has, on its provider's own host and within its scope. The provider is not asked; `verify` does that.",
    tag: 'Keys',
    needs: 'settings:write',
    requestHeaders: {
      'Idempotency-Key':
        'Any text: marks a request that may be sent again. Where the key is there already, the same in every part, the answer is 201 again.',
    },
    requestExample: { ...example, token: 'ghp_xxx', scope: 'org/repo' },
    answers: {
      201: { description: 'It is stored.', example: { ...example, message: 'key registered' } },
    },
    errors: { 409: 'The name is taken.' },
  }),
  list: documented({
    operationId: 'listKeys',
    summary: 'List the stored keys',
    tag: 'Keys',
    needs: 'settings:read',
    answers: {
      200: {
        description: 'The keys, without their tokens.',
        schema: keyList,
        example: { keys: [{ ...example, scope: '', created_at: '2026-02-26T18:38:10.277Z' }] },
      },
    },
  }),
  verify: documented({
    operationId: 'verifyKey',
    summary: 'Ask the provider whether a stored token is valid',
    description: 'Of a private key for ssh only the form is checked: it has no provider to ask.',
    tag: 'Keys',
    needs: 'settings:read',
    answers: {
      200: {
        description: 'It is.',
        example: {
          ...example,
          valid: true,
          username: 'octocat',
          email: 'octocat@github.com',
          scopes: 'repo, read:org',
          error: '',
        },
      },
      422: {
        description: 'It is not.',
        example: { ...example, valid: false, error: 'token expired or invalid' },
      },
    },
    errors: { ...unknown, 502: 'The provider did not answer the question.' },
  }),
  remove: documented({
    operationId: 'deleteKey',
    summary: 'Delete a key and its token',
    description: 'Tasks that name it fail when they need it next.',
    tag: 'Keys',
    needs: 'settings:write',
    answers: { 200: { description: 'It is gone.', example: { message: 'key deleted' } } },
    errors: unknown,
  }),
};
