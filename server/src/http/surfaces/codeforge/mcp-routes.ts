import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { documented } from '../../documented.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { mcpServerBodyOf } from './mcp-projection.ts';
import {
  createdMcpServer,
  createMcpServerBody,
  deletedMcpServer,
  mcpServerList,
  mcpServerParams,
  mcpServersQuery,
} from './mcp-schemas.ts';
import { parseMcpServer } from './mcp-submission.ts';
import { dropNulls, idempotencyKeyOf } from '../../request-parts.ts';

/** MCP servers that agents are given in all repositories, or in one. */
export function addMcpRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.post(
    '/mcp/servers',
    {
      schema: { body: createMcpServerBody, response: { 201: createdMcpServer } },
      config: documents.create,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const registration = parseMcpServer(request.body, idempotencyKeyOf(request));
      await services.mcpServers.register(auth.callerOf(request), registration);
      return reply.code(201).send({ name: registration.server.name, message: 'MCP server registered' });
    },
  );
  typed.get(
    '/mcp/servers',
    { schema: { querystring: mcpServersQuery }, config: documents.list },
    async (request) => {
      const repositoryUrl = request.query.repo_url || undefined;
      const servers = await services.mcpServers.list(auth.callerOf(request), repositoryUrl);
      return {
        servers: servers.map(({ name, shown, createdAt }) => ({
          ...mcpServerBodyOf({ name, server: shown }),
          created_at: createdAt.toISOString(),
        })),
      };
    },
  );
  typed.delete(
    '/mcp/servers/:name',
    {
      schema: { params: mcpServerParams, querystring: mcpServersQuery, response: { 200: deletedMcpServer } },
      config: documents.remove,
    },
    async (request) => {
      const { repo_url: repositoryUrl } = request.query;
      const { name } = request.params;
      await services.mcpServers.remove(auth.callerOf(request), {
        name,
        ...(repositoryUrl ? { repositoryUrl } : {}),
      });
      return { message: 'MCP server deleted' };
    },
  );
}

const example = {
  name: 'context7',
  transport: 'http',
  url: 'https://mcp.context7.com/mcp',
};
const notAllowed = { 403: 'The caller is no administrator.' };

const documents = {
  create: documented({
    operationId: 'createMcpServer',
    summary: 'Register an MCP server',
    description:
      'Agents are given it in the tasks of all repositories, or of one. It is kept encrypted, and its secrets are never returned. Only an administrator may: its command runs in the sandboxes of everybody. A server of a repository stands in the place of one for all of the same name, and one of a task in the place of both.',
    tag: 'MCP servers',
    needs: 'settings:write',
    requestHeaders: {
      'Idempotency-Key':
        'Any text: marks a request that may be sent again. Where the server is there already, the same in every part, the answer is 201 again.',
    },
    requestExample: { ...example, headers: { CONTEXT7_API_KEY: 'xxx' } },
    answers: {
      201: {
        description: 'It is registered.',
        example: { name: 'context7', message: 'MCP server registered' },
      },
    },
    errors: { ...notAllowed, 409: 'The name is taken, for all repositories or for this one.' },
  }),
  list: documented({
    operationId: 'listMcpServers',
    summary: 'List the registered MCP servers',
    description: 'Those for all repositories, or those for one; the latter only for administrators.',
    tag: 'MCP servers',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'The servers, with what is secret masked.',
        schema: mcpServerList,
        example: {
          servers: [
            { ...example, headers: { CONTEXT7_API_KEY: '***' }, created_at: '2026-02-26T18:38:10.277Z' },
          ],
        },
      },
    },
    errors: { 403: 'A repository is named, and the caller is no administrator.' },
  }),
  remove: documented({
    operationId: 'deleteMcpServer',
    summary: 'Delete an MCP server and its secrets',
    description: 'Agents that were started with it keep it to their end.',
    tag: 'MCP servers',
    needs: 'settings:write',
    answers: { 200: { description: 'It is gone.', example: { message: 'MCP server deleted' } } },
    errors: { ...notAllowed, 404: 'There is no such server, for all repositories or for this one.' },
  }),
};
