import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { documented } from '../../documented.ts';
import { errorSchema } from '../../error-body.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { agentHealth, agentList } from './system-schemas.ts';

/** The agents of this server, which the document calls CLIs, and whether the default one is there. */
export function addAgentRoutes(api: FastifyInstance, { services }: CodeforgeDeps): void {
  api.get('/cli', { config: documents.list }, async () => {
    const agents = await services.listAgents();
    return {
      cli: agents.map((agent) => ({
        name: agent.name,
        binary_path: agent.binaryPath,
        default_model: agent.defaultModel,
        available: agent.available,
        is_default: agent.isDefault,
      })),
    };
  });

  api.get('/cli/health', { config: documents.health }, async (_request, reply) => {
    const agent = (await services.listAgents()).find(({ isDefault }) => isDefault);
    if (agent?.available === true) return { status: 'ok', cli: agent.name, binary: agent.binaryPath };
    return reply
      .code(503)
      .send({ status: 'unavailable', cli: agent?.name ?? '', binary: '', message: 'binary not found' });
  });
}

const documents = {
  list: documented({
    operationId: 'listAgents',
    summary: 'List the agents of this server',
    tag: 'Agents',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'All agents, whether their program is there or not.',
        schema: agentList,
        example: {
          cli: [
            {
              name: 'claude-code',
              binary_path: '/usr/local/bin/claude',
              default_model: '',
              available: true,
              is_default: true,
            },
          ],
        },
      },
    },
  }),
  health: documented({
    operationId: 'getAgentHealth',
    summary: 'Tell whether the default agent can be used',
    tag: 'Agents',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'Its program is there.',
        schema: agentHealth,
        example: { status: 'ok', cli: 'claude-code', binary: '/usr/local/bin/claude' },
      },
      503: {
        description: 'Its program is not there, or the server cannot answer now.',
        schema: Type.Union([agentHealth, errorSchema]),
        example: { status: 'unavailable', cli: 'claude-code', binary: '', message: 'binary not found' },
      },
    },
  }),
};
