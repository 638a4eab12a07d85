import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Agent } from '../../../src/agents/agent.ts';
import type { Forges } from '../../../src/compose-forges.ts';
import { composeWorkflowServices } from '../../../src/compose-workflow-services.ts';
import { composeTools } from '../../../src/compose-tools.ts';
import { scriptAgent } from '../../../src/agents/script/script-agent.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/app.ts';
import { silentTracer } from '../../../src/lib/tracer.ts';
import { createMeter } from '../../../src/telemetry/meter.ts';
import type { HttpOptions } from '../../../src/http/http-deps.ts';
import { createFaults } from '../../../src/lib/faults.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import { silentLogger, type Logger } from '../../../src/lib/logger.ts';
import type { Meter } from '../../../src/lib/metrics.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { createAnswerApprovalService } from '../../../src/services/answer-approval.ts';
import { createAuthenticate, type Authenticate } from '../../../src/services/authenticate.ts';
import { createCancelTaskService } from '../../../src/services/cancel-task.ts';
import { createPullRequestService } from '../../../src/services/create-pull-request.ts';
import { createTaskService, type CreateTaskPolicy } from '../../../src/services/create-task.ts';
import { createDeleteWorkspaceService } from '../../../src/services/delete-workspace.ts';
import { createEventFollower } from '../../../src/services/follow-events.ts';
import { createFollowTaskService } from '../../../src/services/follow-task.ts';
import { createInstructTaskService } from '../../../src/services/instruct-task.ts';
import { createListAgentsService, type AgentDescription } from '../../../src/services/list-agents.ts';
import { createListApprovalsService } from '../../../src/services/list-approvals.ts';
import { createListDeliveriesService } from '../../../src/services/list-deliveries.ts';
import { createListWorkspacesService } from '../../../src/services/list-workspaces.ts';
import { createListTaskOverviewsService } from '../../../src/services/list-task-overviews.ts';
import { createListTasksService } from '../../../src/services/list-tasks.ts';
import { createPostReviewService } from '../../../src/services/post-review.ts';
import { createReadDiffService } from '../../../src/services/read-diff.ts';
import { createReadHealthService } from '../../../src/services/read-health.ts';
import { createReadWorkService } from '../../../src/services/read-work.ts';
import { createRedeliverService } from '../../../src/services/redeliver.ts';
import { createReviewTaskService } from '../../../src/services/review-task.ts';
import { createShowTaskService } from '../../../src/services/show-task.ts';
import { createShowTaskOverviewService } from '../../../src/services/show-task-overview.ts';
import { createBlobFolder, type BlobFolder } from '../../../src/store/blob-folder.ts';
import { isDatabaseAway, openDatabase, type Database } from '../../../src/store/database.ts';
import { ensureAdministrator } from '../../../src/store/owners.ts';
import { ensureUser } from '../../../src/store/users.ts';
import { createWakeups, type Wakeups } from '../../../src/store/wakeups.ts';
import { storeApiKey } from '../../support/api-keys.ts';
import { openTestDatabase } from '../../support/database.ts';
import { makeForges } from '../../support/forges.ts';
import { answerCheckOf } from './described-answers.ts';
import { createKeyServices, testKeyRing } from './key-services.ts';
import { noPublishing, type Publishing } from './publishing.ts';
import { createWebhookServices, type WebhookSettings } from './webhook-services.ts';

/** What a test of this surface works with: a server on loopback over a database of its own. */
export type TestApi = {
  readonly server: HttpServer;
  readonly url: string;
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly blobs: BlobFolder;
  /** Lines that the server logged, as JSON. */
  readonly log: readonly string[];
  /**
   * Sends a request without a socket; with the administrator's token unless told otherwise. Rejects where the
   * answer is not one that the API's description has.
   */
  readonly call: (method: Method, path: string, request?: TestRequest) => Promise<TestAnswer>;
  /** Creates a task with the smallest body and gives its id. */
  readonly create: (body?: object) => Promise<string>;
};

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

export type TestRequest = {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a text or bytes as they are. */
  readonly body?: unknown;
};

export type TestAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by the tests' own assertions
  readonly json: any;
};

export const adminToken = 'the-administrators-token';
/** An API key with every ability, of a member who owns nothing. */
export const strangerToken = `slipway_${'stranger'.repeat(5)}123`;

/** The smallest body that makes a task. */
export const smallestTask = {
  repo_url: 'https://git.example.com/ada/engine.git',
  prompt: 'Fix the failing test',
  config: { cli: 'script', command: 'true' },
};

export type TestApiOptions = {
  readonly http?: Partial<HttpOptions>;
  readonly policy?: Partial<CreateTaskPolicy>;
  /** Beside the script agent. */
  readonly agents?: readonly Agent[];
  readonly described?: readonly AgentDescription[];
  readonly isShuttingDown?: () => boolean;
  /** Where work is published; nowhere unless said. */
  readonly publishing?: Publishing;
  /** Where keys are tried; nowhere unless said. */
  readonly forges?: Forges;
  /** The API of Sentry; nowhere unless said. */
  readonly sentryUrl?: string;
  /** Who may send webhooks, and what comes of them; nobody unless said. */
  readonly webhooks?: Partial<WebhookSettings>;
  /** The services look for their database where there is none. */
  readonly databaseAway?: boolean;
};

/** Starts it; all of it ends with the test. */
export async function testApi(t: TestContext, options: TestApiOptions = {}): Promise<TestApi> {
  const endings: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const end of endings.toReversed()) await end();
  });
  const folder = await mkdtemp(join(tmpdir(), 'slipway-http-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const log: string[] = [];
  const logger = recordingLogger(log);
  const { database: present, remove } = await openTestDatabase();
  endings.push(remove);
  const { authenticate, administratorId } = await knownTokens(present, logger);
  const database = options.databaseAway === true ? absentDatabase() : present;
  const wakeups = createWakeups(database, 'test', logger);
  const blobs = createBlobFolder(folder);
  const meter = createMeter();
  const server = createHttpServer({
    services: createServices({ database, wakeups, blobs, meter, options, administratorId }),
    authenticate,
    isShuttingDown: options.isShuttingDown ?? (() => false),
    isDatabaseAway,
    version: '1.2.3',
    logger,
    telemetry: { meter, tracer: silentTracer },
    scrape: meter.scrape,
    options: options.http ?? {},
  });
  endings.push(() => server.close());
  const url = await server.listen('127.0.0.1', 0);
  const call: TestApi['call'] = (method, path, request = {}) => send(server, method, path, request);
  return {
    server,
    url,
    database,
    wakeups,
    blobs,
    log,
    call,
    async create(body = {}) {
      const answer = await call('POST', '/api/v1/tasks', { body: { ...smallestTask, ...body } });
      if (answer.status !== 201) throw new Error(`the task was refused: ${answer.text}`);
      return String(answer.json.id);
    },
  };
}

function createServices(parts: {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly blobs: BlobFolder;
  readonly meter: Meter;
  readonly options: TestApiOptions;
  readonly administratorId: string;
}) {
  const { database, wakeups, blobs, meter, options, administratorId: ownerId } = parts;
  const agents = [scriptAgent, ...(options.agents ?? [])];
  const { forges, forgeOf } = options.forges ?? makeForges();
  const publishing = options.publishing ?? noPublishing;
  const follower = createEventFollower(database, wakeups);
  const policy: CreateTaskPolicy = {
    repositories: { allowFile: false, allowHttp: false, allowSsh: false },
    defaultAgent: 'claude-code',
    timeoutSecondsDefault: 300,
    timeoutSecondsMax: 1_800,
    tasksPerMinute: 0,
    allowPrivate: [],
    ...options.policy,
  };
  const createTask = createTaskService({
    database,
    wakeups,
    keyRing: testKeyRing,
    ids: systemIds,
    faults: createFaults(undefined),
    agents: new Map(agents.map((agent) => [agent.name, agent])),
    forgeOf,
    policy,
  });
  return {
    createTask,
    instructTask: createInstructTaskService({
      database,
      wakeups,
      ids: systemIds,
      faults: createFaults(undefined),
    }),
    createPullRequest: createPullRequestService({
      database,
      wakeups,
      ids: systemIds,
      faults: createFaults(undefined),
      ...publishing,
      policy: {
        title: '{title}',
        body: undefined,
        labels: [],
        draft: false,
        branchPrefix: 'codeforge/',
        waitMs: publishing.waitMs,
      },
    }),
    reviewTask: createReviewTaskService({
      database,
      wakeups,
      ids: systemIds,
      faults: createFaults(undefined),
      agents: new Map(agents.map((agent) => [agent.name, agent])),
      policy: { defaultAgent: 'script', timeoutSeconds: 300, command: undefined },
    }),
    postReview: createPostReviewService({
      database,
      wakeups,
      ids: systemIds,
      faults: createFaults(undefined),
      ...publishing,
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
      database,
      wakeups,
      keyRing: testKeyRing,
      faults: createFaults(undefined),
      follower,
      tasksPerMinute: policy.tasksPerMinute,
    }),
    approvals: createListApprovalsService({ database }),
    answerApproval: createAnswerApprovalService({
      database,
      wakeups,
      ids: systemIds,
      faults: createFaults(undefined),
    }),
    deliveries: createListDeliveriesService({ database }),
    redeliver: createRedeliverService({ database, wakeups }),
    webhooks: createWebhookServices(
      { database, ownerId, createTask, forgeOf, repositories: policy.repositories, meter },
      options.webhooks,
    ).services,
    ...createKeyServices(database, {
      forges,
      sentryUrl: options.sentryUrl ?? 'http://127.0.0.1:1/api/0',
      meter,
    }),
    workspaces: {
      list: createListWorkspacesService({ database, days: 7 }),
      remove: createDeleteWorkspaceService({ database, wakeups }),
    },
    ...composeTools({ database, keyRing: testKeyRing, repositories: policy.repositories }),
    listAgents: createListAgentsService({ describeAgents: async () => options.described ?? [] }),
    readHealth: createReadHealthService({
      database,
      workspaceDiskBytes: async () => 123_450_000,
      uptimeSeconds: () => 330.9,
    }),
  };
}

/** The administrator's token, and what is stored: at first the key of an ordinary user who owns nothing. */
async function knownTokens(
  database: Database,
  logger: Logger,
): Promise<{ readonly authenticate: Authenticate; readonly administratorId: string }> {
  const administratorId = await ensureAdministrator(database, systemIds);
  const ownerId = await ensureUser(database, systemIds, 'stranger');
  await storeApiKey(database, { ownerId, key: strangerToken });
  const token = new Secret(adminToken);
  const authenticate = createAuthenticate({ database, logger, administratorId, token, apiKeys: [] });
  return { administratorId, authenticate };
}

async function send(
  server: HttpServer,
  method: Method,
  path: string,
  request: TestRequest,
): Promise<TestAnswer> {
  const token = request.token === undefined ? adminToken : request.token;
  const { body } = request;
  const raw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined;
  const response = await server.inject({
    method,
    url: path,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(raw ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) }),
  });
  const type = response.headers['content-type'] ?? '';
  const { statusCode: status, headers, body: text } = response;
  const check = await answerCheckOf(server);
  check(method, path, { status, headers, text });
  return {
    status,
    headers,
    text,
    json: type.startsWith('application/json') && text !== '' ? JSON.parse(text) : undefined,
  };
}

function absentDatabase(): Database {
  return openDatabase({ host: '/nonexistent', port: 1, user: 'nobody', database: 'none' }, 1, silentLogger);
}

function recordingLogger(lines: string[]): Logger {
  const record = (level: string) => (fields: object, message: string) => {
    lines.push(JSON.stringify({ level, message, ...fields }));
  };
  return { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
}
