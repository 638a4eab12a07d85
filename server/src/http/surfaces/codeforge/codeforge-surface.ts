import type { FastifyInstance } from 'fastify';
import { addDocsRoutes } from '../../docs-routes.ts';
import { documented } from '../../documented.ts';
import { refuseWhileStopping } from '../../refuse-while-stopping.ts';
import { addAgentRoutes } from './agent-routes.ts';
import { addApiKeyRoutes } from './api-key-routes.ts';
import { addApprovalRoutes } from './approval-routes.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { addDeliveryRoutes } from './delivery-routes.ts';
import { fieldErrors } from './field-errors.ts';
import { addInstructRoute } from './instruct-route.ts';
import { addKeyRoutes } from './key-routes.ts';
import { addRepositoryRoutes } from './repository-routes.ts';
import { addMcpRoutes } from './mcp-routes.ts';
import { addPostReviewRoute } from './post-review-route.ts';
import { addPullRequestRoute } from './pull-request-route.ts';
import { addReviewRoute } from './review-route.ts';
import { addSentryRoutes } from './sentry-routes.ts';
import { addStreamRoute } from './stream-route.ts';
import { addSystemRoutes } from './system-routes.ts';
import { taskTypeList, verified } from './system-schemas.ts';
import { addTaskRoutes } from './task-routes.ts';
import { addWebhookReceivers } from './webhook-receivers.ts';
import { addWebhookRoutes } from './webhook-routes.ts';
import { addToolRoutes } from './tool-routes.ts';
import { addWorkspaceRoutes } from './workspace-routes.ts';
import { taskTypes } from './task-types.ts';
import { addWorkflowRoutes } from './workflow-routes.ts';
import { addWorkflowRunRoutes } from './workflow-run-routes.ts';

const documents = {
  verify: documented({
    operationId: 'verifyToken',
    summary: 'Tell whether the credential is accepted',
    tag: 'System',
    needs: 'any credential',
    answers: {
      200: { description: 'It is.', schema: verified, example: { status: 'authenticated' } },
    },
  }),
  taskTypes: documented({
    operationId: 'listTaskTypes',
    summary: 'List the kinds of tasks',
    tag: 'Tasks',
    needs: 'any credential',
    answers: {
      200: {
        description: 'All kinds, with labels for people.',
        schema: taskTypeList,
        example: { task_types: taskTypes },
      },
    },
  }),
};

/** Everything below this path needs a credential, also what does not exist; receivers of webhooks have their own proof. */
const apiPath = '/api/v1';

/** The documented CodeForge API, which is the native one too: open system paths, and `/api/v1`. */
export function addCodeforgeSurface(app: FastifyInstance, deps: CodeforgeDeps): void {
  addSystemRoutes(app, deps);
  addDocsRoutes(app, deps.describeApi);
  app.register(
    async (api) => {
      api.setSchemaErrorFormatter(fieldErrors);
      api.addHook('onRequest', async (request) => {
        refuseWhileStopping(deps);
        await deps.auth.requireCaller(request);
      });
      api.setNotFoundHandler(deps.answerUnknownPath);
      api.get('/auth/verify', { config: documents.verify }, async () => ({ status: 'authenticated' }));
      api.get('/task-types', { config: documents.taskTypes }, async () => ({ task_types: taskTypes }));
      addTaskRoutes(api, deps);
      addInstructRoute(api, deps);
      addReviewRoute(api, deps);
      addPullRequestRoute(api, deps);
      addPostReviewRoute(api, deps);
      addStreamRoute(api, deps);
      addApprovalRoutes(api, deps);
      addDeliveryRoutes(api, deps);
      addWebhookRoutes(api, deps);
      addAgentRoutes(api, deps);
      addKeyRoutes(api, deps);
      addApiKeyRoutes(api, deps);
      addRepositoryRoutes(api, deps);
      addSentryRoutes(api, deps);
      addWorkflowRoutes(api, deps);
      addWorkflowRunRoutes(api, deps);
      addMcpRoutes(api, deps);
      addToolRoutes(api, deps);
      addWorkspaceRoutes(api, deps);
    },
    { prefix: apiPath },
  );
  app.register(
    async (receivers) => {
      receivers.addHook('onRequest', async () => refuseWhileStopping(deps));
      addWebhookReceivers(receivers, deps);
    },
    { prefix: `${apiPath}/webhooks` },
  );
}
