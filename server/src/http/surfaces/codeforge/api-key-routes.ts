import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { ApiKeyRow } from '../../../services/create-api-key.ts';
import { documented } from '../../documented.ts';
import { dropNulls } from '../../request-parts.ts';
import {
  apiKeyList,
  apiKeyParams,
  createApiKeyBody,
  createdApiKey,
  revokedApiKey,
  type ApiKeyBody,
} from './api-key-schemas.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';

/** Keys that open this server for people and programs; administrators give and take them. */
export function addApiKeyRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.post(
    '/api-keys',
    {
      schema: { body: createApiKeyBody, response: { 201: createdApiKey } },
      config: documents.create,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const { name, owner, abilities, expires_in_days: expiresInDays } = request.body;
      const { key, row } = await services.apiKeys.create(auth.callerOf(request), {
        name,
        ...(owner === undefined ? {} : { owner }),
        ...(abilities === undefined ? {} : { abilities }),
        ...(expiresInDays === undefined ? {} : { expiresInDays }),
      });
      return reply.code(201).send({ ...knownOf(row), key: key.reveal() });
    },
  );
  typed.get('/api-keys', { config: documents.list }, async (request) => {
    const rows = await services.apiKeys.list(auth.callerOf(request));
    return { api_keys: rows.map(bodyOf) };
  });
  typed.delete(
    '/api-keys/:id',
    { schema: { params: apiKeyParams, response: { 200: revokedApiKey } }, config: documents.revoke },
    async (request) => {
      await services.apiKeys.revoke(auth.callerOf(request), request.params.id);
      return { message: 'API key revoked' };
    },
  );
}

function knownOf({ id, name, ownerLogin, abilities, createdAt, expiresAt }: ApiKeyRow) {
  return {
    id,
    name,
    owner: ownerLogin,
    abilities: [...abilities],
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
  };
}

function bodyOf(row: ApiKeyRow): ApiKeyBody {
  return {
    ...knownOf(row),
    hint: row.hint,
    used_at: row.usedAt?.toISOString() ?? null,
    revoked_at: row.revokedAt?.toISOString() ?? null,
  };
}

const example = {
  id: '01930c5e-7d4a-7b1e-9c57-2f6e0d3b8a41',
  name: 'ci',
  owner: 'octocat',
  abilities: ['projects:read', 'runs:*', 'git:*'],
  created_at: '2026-02-26T18:38:10.277Z',
  expires_at: '2026-05-27T18:38:10.277Z',
};

const documents = {
  create: documented({
    operationId: 'createApiKey',
    summary: 'Make an API key for somebody',
    description:
      'The answer has the key, this once: a request whose answer is lost leaves a key that nobody has, to be revoked. An API key is never an administrator, whoever owns it: it creates and sees the tasks of its owner, as far as its abilities go.',
    tag: 'API keys',
    needs: 'administrator',
    requestExample: { name: 'ci', owner: 'octocat', expires_in_days: 90 },
    answers: {
      201: {
        description: 'It holds from now on.',
        example: { ...example, key: `slipway_${'x'.repeat(43)}` },
      },
    },
    errors: { 409: 'The owner has a key of this name that is not revoked.' },
  }),
  list: documented({
    operationId: 'listApiKeys',
    summary: 'List the API keys',
    description: 'Those that the environment gives to the server are not stored, and not among them.',
    tag: 'API keys',
    needs: 'administrator',
    answers: {
      200: {
        description: 'The keys of all owners, without what they open the server with.',
        schema: apiKeyList,
        example: {
          api_keys: [{ ...example, hint: 'xxxx', used_at: '2026-03-02T09:12:44.105Z', revoked_at: null }],
        },
      },
    },
  }),
  revoke: documented({
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description: 'The next request with it is refused. What was begun with it goes on.',
    tag: 'API keys',
    needs: 'administrator',
    answers: { 200: { description: 'It holds no more.', example: { message: 'API key revoked' } } },
    errors: { 404: 'There is no such key, or it is revoked already.' },
  }),
};
