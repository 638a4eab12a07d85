import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import { addAgentRoutes } from './agent-routes.ts';
import { addApprovalRoutes } from './approval-routes.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { fieldErrors } from './field-errors.ts';
import { addInstructRoute } from './instruct-route.ts';
import { addStreamRoute } from './stream-route.ts';
import { addSystemRoutes } from './system-routes.ts';
import { addTaskRoutes } from './task-routes.ts';
import { taskTypes } from './task-types.ts';

/** Everything below this path needs a credential, also what does not exist. */
const apiPath = '/api/v1';

/** The documented CodeForge API, which is the native one too: open system paths, and `/api/v1`. */
export function addCodeforgeSurface(app: FastifyInstance, deps: CodeforgeDeps): void {
  addSystemRoutes(app, deps);
  app.register(
    async (api) => {
      api.setSchemaErrorFormatter(fieldErrors);
      api.addHook('onRequest', async (request) => {
        if (deps.isShuttingDown() || deps.closing.aborted) {
          throw new Refusal('unavailable', 'the server is shutting down', { retryAfterSeconds: 5 });
        }
        await deps.auth.requireCaller(request);
      });
      api.setNotFoundHandler(deps.answerUnknownPath);
      api.get('/auth/verify', async () => ({ status: 'authenticated' }));
      api.get('/task-types', async () => ({ task_types: taskTypes }));
      addTaskRoutes(api, deps);
      addInstructRoute(api, deps);
      addStreamRoute(api, deps);
      addApprovalRoutes(api, deps);
      addAgentRoutes(api, deps);
    },
    { prefix: apiPath },
  );
}
