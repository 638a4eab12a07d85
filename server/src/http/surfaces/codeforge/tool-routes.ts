import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { checkTool } from '../../../domain/tool-problems.ts';
import type { ToolRegistration } from '../../../services/register-tool.ts';
import { documented } from '../../documented.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { invalidFields } from './field-errors.ts';
import { dropNulls, idempotencyKeyOf, idempotencyKeyProblem } from '../../request-parts.ts';
import { toolBodyOf } from './tool-projection.ts';
import {
  createdTool,
  createToolBody,
  deletedTool,
  toolBody,
  toolList,
  toolParams,
  type CreateToolBody,
} from './tool-schemas.ts';

/** Tools that tasks can ask for: the catalog, and what administrators register beside it. */
export function addToolRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get('/tools/catalog', { config: documents.catalog }, async () => ({
    tools: services.tools.catalog().map(toolBodyOf),
  }));
  typed.get('/tools', { config: documents.list }, async () => ({
    tools: (await services.tools.list()).map(toolBodyOf),
  }));
  typed.get(
    '/tools/:name',
    { schema: { params: toolParams, response: { 200: toolBody } }, config: documents.show },
    async (request) => toolBodyOf(await services.tools.show(request.params.name)),
  );
  typed.post(
    '/tools',
    {
      schema: { body: createToolBody, response: { 201: createdTool } },
      config: documents.create,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const tool = parseTool(request.body, idempotencyKeyOf(request));
      await services.tools.register(auth.callerOf(request), tool);
      return reply.code(201).send({ name: tool.definition.name, message: 'tool registered' });
    },
  );
  typed.delete(
    '/tools/:name',
    { schema: { params: toolParams, response: { 200: deletedTool } }, config: documents.remove },
    async (request) => {
      await services.tools.remove(auth.callerOf(request), request.params.name);
      return { message: 'tool deleted' };
    },
  );
}

function parseTool(body: CreateToolBody, idempotencyKey: string | undefined): ToolRegistration {
  const checked = checkTool(body);
  const keyProblem = idempotencyKeyProblem(idempotencyKey);
  const problems = {
    ...('problems' in checked ? checked.problems : {}),
    ...(keyProblem === undefined ? {} : { 'Idempotency-Key': keyProblem }),
  };
  if ('problems' in checked || keyProblem !== undefined) throw invalidFields(problems);
  return { definition: checked.tool, mayBeRepeat: idempotencyKey !== undefined };
}

const sentry = {
  name: 'sentry',
  type: 'mcp',
  description: 'Errors in Sentry: issues, stack traces and what they belong to',
  mcp_transport: 'http',
  mcp_package: '@sentry/mcp-server',
  mcp_command: 'npx',
  mcp_args: [],
  mcp_url: 'https://mcp.sentry.dev/mcp',
  required_config: [
    {
      name: 'auth_token',
      description: 'Token of a user or an organization of Sentry',
      type: 'secret',
      env_var: 'SENTRY_AUTH_TOKEN',
      header: 'Authorization',
      sensitive: true,
    },
  ],
  optional_config: [],
  capabilities: ['error-tracking', 'issues'],
  builtin: true,
  created_at: '2026-02-25T00:00:00.000Z',
};
const example = {
  name: 'my-tool',
  type: 'mcp',
  description: 'My custom tool',
  mcp_package: 'my-mcp-server',
  mcp_command: 'npx',
  required_config: [
    { name: 'api_key', description: 'API key', type: 'secret', env_var: 'MY_API_KEY', sensitive: true },
  ],
  capabilities: ['my-feature'],
};
const unknown = { 404: 'There is no such tool.' };
const notAllowed = { 403: 'The caller is no administrator.' };

const documents = {
  catalog: documented({
    operationId: 'listToolCatalog',
    summary: 'List the built-in tools',
    tag: 'Tools',
    needs: 'projects:read',
    answers: {
      200: { description: 'The built-in tools.', schema: toolList, example: { tools: [sentry] } },
    },
  }),
  list: documented({
    operationId: 'listTools',
    summary: 'List all tools',
    tag: 'Tools',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'The built-in tools, and those that were registered.',
        schema: toolList,
        example: { tools: [sentry] },
      },
    },
  }),
  show: documented({
    operationId: 'getTool',
    summary: 'Show a tool with the settings that it takes',
    tag: 'Tools',
    needs: 'projects:read',
    answers: { 200: { description: 'The tool.', example: sentry } },
    errors: unknown,
  }),
  create: documented({
    operationId: 'createTool',
    summary: 'Register a tool',
    description:
      'An MCP server with the settings that it takes. Tasks ask for it by its name in `config.tools`. Only an administrator may: its command runs in the sandboxes of everybody who asks for it.',
    tag: 'Tools',
    needs: 'settings:write',
    requestHeaders: {
      'Idempotency-Key':
        'Any text: marks a request that may be sent again. Where the tool is there already, the same in every part, the answer is 201 again.',
    },
    requestExample: example,
    answers: {
      201: { description: 'It is registered.', example: { name: 'my-tool', message: 'tool registered' } },
    },
    errors: { ...notAllowed, 409: 'The name is taken, by a registered or a built-in tool.' },
  }),
  remove: documented({
    operationId: 'deleteTool',
    summary: 'Delete a registered tool',
    description: 'Tasks that were created with it keep it.',
    tag: 'Tools',
    needs: 'settings:write',
    answers: { 200: { description: 'It is gone.', example: { message: 'tool deleted' } } },
    errors: { 400: 'It is built in.', ...notAllowed, ...unknown },
  }),
};
