import type { FastifyInstance } from 'fastify';
import type { CodeforgeDeps } from './codeforge-deps.ts';

/** The agents of this server, which the document calls CLIs, and whether the default one is there. */
export function addAgentRoutes(api: FastifyInstance, { services }: CodeforgeDeps): void {
  api.get('/cli', async () => {
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

  api.get('/cli/health', async (_request, reply) => {
    const agent = (await services.listAgents()).find(({ isDefault }) => isDefault);
    if (agent?.available === true) return { status: 'ok', cli: agent.name, binary: agent.binaryPath };
    return reply
      .code(503)
      .send({ status: 'unavailable', cli: agent?.name ?? '', binary: '', message: 'binary not found' });
  });
}
