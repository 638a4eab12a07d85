import { isForgeError } from './compose-repositories.ts';
import { runLoop, type Foundation } from './compose.ts';
import { composeSentry } from './compose-sentry.ts';
import { composeTools } from './compose-tools.ts';
import { composeCreateTask, pullRequestDeps } from './compose-tasks.ts';
import { composeWebhooks } from './compose-webhooks.ts';
import { composeWorkflowServices } from './compose-workflow-services.ts';
import { composeWorkspaceServices } from './compose-workspaces.ts';
import { createHttpServer, type HttpServer } from './http/app.ts';
import type { HttpDeps } from './http/http-deps.ts';
import { systemIds } from './lib/ids.ts';
import type { Secret } from './lib/secret.ts';
import { createAnswerApprovalService } from './services/answer-approval.ts';
import { createAuthenticate } from './services/authenticate.ts';
import { createBrowseSentryService } from './services/browse-sentry.ts';
import { createCancelTaskService } from './services/cancel-task.ts';
import { createApiKeyService } from './services/create-api-key.ts';
import { createPostReviewService } from './services/post-review.ts';
import { createPullRequestService } from './services/create-pull-request.ts';
import { createDeleteKeyService } from './services/delete-key.ts';
import { createEventFollower } from './services/follow-events.ts';
import { createFollowTaskService } from './services/follow-task.ts';
import { createInstructTaskService } from './services/instruct-task.ts';
import { createListAgentsService, type DescribeAgents } from './services/list-agents.ts';
import { createListApiKeysService } from './services/list-api-keys.ts';
import { createListApprovalsService } from './services/list-approvals.ts';
import { createListDeliveriesService } from './services/list-deliveries.ts';
import { createListKeysService } from './services/list-keys.ts';
import { createListRepositoriesService } from './services/list-repositories.ts';
import { createListTaskOverviewsService } from './services/list-task-overviews.ts';
import { createListTasksService } from './services/list-tasks.ts';
import { createReadDiffService } from './services/read-diff.ts';
import { createReadHealthService } from './services/read-health.ts';
import { createReadWorkService } from './services/read-work.ts';
import { createRedeliverService } from './services/redeliver.ts';
import { createRegisterKeyService } from './services/register-key.ts';
import { createReviewTaskService } from './services/review-task.ts';
import { createRevokeApiKeyService } from './services/revoke-api-key.ts';
import { createShowTaskService } from './services/show-task.ts';
import { createShowTaskOverviewService } from './services/show-task-overview.ts';
import { createVerifyKeyService } from './services/verify-key.ts';
import { isDatabaseAway } from './store/database.ts';
import { sumWorkspaces } from './store/workspaces.ts';

/**
 * The HTTP side of a server over its foundation; nothing listens yet. What it does beside answering is ended by
 * `stack`.
 */
export function composeHttp(
  foundation: Foundation,
  details: {
    readonly token: Secret;
    readonly version: string;
    readonly isShuttingDown: () => boolean;
    readonly describeAgents: DescribeAgents;
  },
  stack: AsyncDisposableStack,
): HttpServer {
  const createTask = composeCreateTask(foundation);
  const webhooks = composeWebhooks(foundation, createTask);
  runLoop(stack, webhooks.inbox.run);
  warnOfShortKeys(foundation);
  return createHttpServer({
    services: {
      ...composeServices(foundation, details.describeAgents),
      createTask,
      webhooks: webhooks.services,
    },
    authenticate: createAuthenticate({
      database: foundation.database,
      logger: foundation.logger,
      administratorId: foundation.adminId,
      token: details.token,
      apiKeys: foundation.config.http.apiKeys,
    }),
    isShuttingDown: details.isShuttingDown,
    isDatabaseAway,
    version: details.version,
    logger: foundation.logger,
    telemetry: foundation.telemetry,
    scrape: foundation.telemetry.meter.scrape,
    options: {
      codebotQueueSize: foundation.config.codebot.maxQueueSize,
      codebotRetentionMs: foundation.config.codebot.retentionSeconds * 1_000,
    },
  });
}

const guessableBelow = 16;

function warnOfShortKeys({ config, logger }: Foundation): void {
  const short = config.http.apiKeys.filter((key) => key.reveal().length < guessableBelow).length;
  if (short === 0) return;
  logger.warn({ keys: short }, 'CODEBOT_API_KEYS has keys of less than 16 characters: they can be guessed');
}

function composeServices(
  foundation: Foundation,
  describeAgents: DescribeAgents,
): Omit<HttpDeps['services'], 'createTask' | 'webhooks'> {
  const { config, database, wakeups, blobs } = foundation;
  const follower = createEventFollower(database, wakeups);
  return {
    instructTask: createInstructTaskService({
      database,
      wakeups,
      ids: systemIds,
      faults: foundation.faults,
    }),
    reviewTask: createReviewTaskService({
      database,
      wakeups,
      ids: systemIds,
      faults: foundation.faults,
      agents: foundation.agents,
      policy: {
        defaultAgent: config.reviews.agent ?? config.agents.defaultAgent,
        timeoutSeconds: config.reviews.timeoutSeconds,
        command: config.reviews.command,
      },
    }),
    cancelTask: createCancelTaskService({ database, wakeups }),
    showTask: createShowTaskService({ database }),
    readWork: createReadWorkService({ database }),
    listTasks: createListTasksService({ database }),
    overviews: {
      show: createShowTaskOverviewService({ database }),
      list: createListTaskOverviewsService({ database }),
    },
    readDiff: createReadDiffService({ database, blobs }),
    followTask: createFollowTaskService({ database, follower }),
    workflows: composeWorkflowServices({
      ...foundation,
      follower,
      tasksPerMinute: config.tasks.perMinute,
    }),
    approvals: createListApprovalsService({ database }),
    answerApproval: createAnswerApprovalService({
      database,
      wakeups,
      ids: systemIds,
      faults: foundation.faults,
    }),
    ...composeDeliveryServices(foundation),
    ...composeKeyServices(foundation),
    ...composeTools(foundation),
    ...composeWorkspaceServices(foundation),
    listAgents: createListAgentsService({ describeAgents }),
    readHealth: createReadHealthService({
      database,
      workspaceDiskBytes: async () => (await sumWorkspaces(database)).bytes,
      uptimeSeconds: () => process.uptime(),
    }),
  };
}

function composeDeliveryServices(
  foundation: Foundation,
): Pick<HttpDeps['services'], 'createPullRequest' | 'postReview' | 'deliveries' | 'redeliver'> {
  const { config, database, wakeups, faults, findCredential } = foundation;
  const { forgeOf } = foundation.forges;
  const waitMs = config.pullRequests.waitSeconds * 1_000;
  return {
    postReview: createPostReviewService({
      database,
      wakeups,
      ids: systemIds,
      faults,
      forgeOf,
      findCredential,
      waitMs,
    }),
    createPullRequest: createPullRequestService(pullRequestDeps(foundation)),
    deliveries: createListDeliveriesService({ database }),
    redeliver: createRedeliverService({ database, wakeups }),
  };
}

function composeKeyServices({
  config,
  database,
  keyRing,
  forges: { forges },
  logger,
  telemetry,
}: Foundation): Pick<HttpDeps['services'], 'keys' | 'apiKeys' | 'listRepositories' | 'browseSentry'> {
  const sentry = composeSentry(config, telemetry.meter);
  const access = { database, keyRing, forges, isForgeError, ...sentry };
  return {
    keys: {
      register: createRegisterKeyService({ database, keyRing, ids: systemIds }),
      list: createListKeysService({ database }),
      verify: createVerifyKeyService(access),
      remove: createDeleteKeyService({ database }),
    },
    apiKeys: {
      create: createApiKeyService({ database, ids: systemIds, logger }),
      list: createListApiKeysService({ database }),
      revoke: createRevokeApiKeyService({ database, logger }),
    },
    listRepositories: createListRepositoriesService({ ...access, hide: logger.hide }),
    browseSentry: createBrowseSentryService(access),
  };
}
