import type { FastifyInstance } from 'fastify';
import { parseJsonBodies } from '../../json-body.ts';
import { refuseWhileStopping } from '../../refuse-while-stopping.ts';
import { codebotErrors, notJson, requestErrors } from './codebot-errors.ts';
import type { CodebotDeps } from './codebot-deps.ts';
import { addTaskRoutes } from './task-routes.ts';

/** Everything below this path needs a credential, also what does not exist. */
const path = '/api/tasks';

/** The documented Codebot API: submit a task, and ask how it is until it is over. */
export function addCodebotSurface(app: FastifyInstance, deps: CodebotDeps): void {
  app.register(
    async (api) => {
      parseJsonBodies(api, notJson);
      api.setSchemaErrorFormatter(requestErrors);
      api.setErrorHandler(deps.errorHandlerOf(codebotErrors));
      api.addHook('onRequest', async (request) => {
        refuseWhileStopping(deps);
        await deps.auth.requireCaller(request);
      });
      api.setNotFoundHandler(deps.unknownPathHandlerOf(codebotErrors));
      addTaskRoutes(api, deps);
    },
    { prefix: path },
  );
}
