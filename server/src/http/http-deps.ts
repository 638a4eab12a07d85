import type { Readable } from 'node:stream';
import type { Logger } from '../lib/logger.ts';
import type { Telemetry } from '../lib/telemetry.ts';
import type { ApprovalAnswer } from '../services/answer-approval.ts';
import type { Authenticate } from '../services/authenticate.ts';
import type { BrowseSentry } from '../services/browse-sentry.ts';
import type { ApiKeyOrder, ApiKeyRow, CreatedApiKey } from '../services/create-api-key.ts';
import type { OpenPullRequest, PullRequestOrder } from '../services/create-pull-request.ts';
import type { CreatedTask, Submission, SubmissionFields } from '../services/create-task.ts';
import type { FollowUntilRest } from '../services/follow-until-rest.ts';
import type { Instruction, InstructedTask } from '../services/instruct-task.ts';
import type { AgentDescription } from '../services/list-agents.ts';
import type { Approval } from '../services/list-approvals.ts';
import type { DeliveryPage, DeliveryQuery, DeliveryRecord } from '../services/list-deliveries.ts';
import type { KeyRow } from '../services/list-keys.ts';
import type { RepositoryPage, RepositoryPageWish, RepositorySource } from '../services/list-repositories.ts';
import type { TaskOverviewQuery } from '../services/list-task-overviews.ts';
import type { TaskListQuery, TaskPage } from '../services/list-tasks.ts';
import type { WebhookDelivery, WebhookPage, WebhookQuery } from '../services/list-webhooks.ts';
import type { PostReview } from '../services/post-review.ts';
import type { Health } from '../services/read-health.ts';
import type { Work } from '../services/read-work.ts';
import type { ReceiveWebhook } from '../services/receive-webhook.ts';
import type { KeyRegistration } from '../services/register-key.ts';
import type { Actor } from '../services/require-ability.ts';
import type { ReviewTask } from '../services/review-task.ts';
import type { Task, TaskReference, Viewer } from '../services/show-task.ts';
import type { OverviewWish, TaskOverview, WholeTaskOverview } from '../services/show-task-overview.ts';
import type { McpServerReference } from '../services/delete-mcp-server.ts';
import type { McpServerRow } from '../services/list-mcp-servers.ts';
import type { McpServerRegistration } from '../services/register-mcp-server.ts';
import type { Tool } from '../services/list-tools.ts';
import type { ToolRegistration } from '../services/register-tool.ts';
import type { KeyVerdict } from '../services/verify-key.ts';
import type { WorkspacePage } from '../services/list-workspaces.ts';
import type { WorkflowServices } from './workflow-services.ts';

/** What requests cause or read: the functions that the services' `create…` give. */
export type HttpServices = {
  readonly createTask: (
    actor: Actor,
    submission: Submission,
    fields: SubmissionFields,
  ) => Promise<CreatedTask>;
  readonly instructTask: (
    actor: Actor,
    reference: TaskReference,
    instruction: Instruction,
  ) => Promise<InstructedTask>;
  readonly cancelTask: (
    viewer: Viewer,
    reference: TaskReference,
    queued: boolean,
  ) => Promise<{ readonly id: string }>;
  readonly showTask: (viewer: Viewer, reference: TaskReference) => Promise<Task>;
  /** Of a task that the caller has been shown. */
  readonly readWork: (taskId: string, withIterations: boolean) => Promise<Work>;
  readonly listTasks: (viewer: Viewer, query: TaskListQuery) => Promise<TaskPage>;
  readonly overviews: {
    readonly show: (
      viewer: Viewer,
      reference: TaskReference,
      wish: OverviewWish,
    ) => Promise<WholeTaskOverview>;
    readonly list: (viewer: Viewer, query: TaskOverviewQuery) => Promise<readonly TaskOverview[]>;
  };
  readonly createPullRequest: (
    actor: Actor,
    reference: TaskReference,
    order: PullRequestOrder,
    signal: AbortSignal,
  ) => Promise<OpenPullRequest>;
  readonly reviewTask: ReviewTask;
  readonly postReview: PostReview;
  readonly readDiff: (viewer: Viewer, reference: TaskReference) => Promise<Readable>;
  readonly followTask: FollowUntilRest<Task>;
  readonly workflows: WorkflowServices;
  readonly approvals: {
    readonly ofTask: (
      viewer: Viewer,
      reference: TaskReference,
      state: string | undefined,
    ) => Promise<readonly Approval[]>;
    readonly waiting: (viewer: Viewer) => Promise<readonly Approval[]>;
  };
  readonly answerApproval: (
    viewer: Viewer,
    reference: TaskReference,
    approvalId: string,
    answer: ApprovalAnswer,
  ) => Promise<Approval>;
  readonly keys: {
    readonly register: (viewer: Viewer, key: KeyRegistration) => Promise<void>;
    readonly list: (viewer: Viewer) => Promise<readonly KeyRow[]>;
    readonly verify: (viewer: Viewer, name: string, signal: AbortSignal) => Promise<KeyVerdict>;
    readonly remove: (viewer: Viewer, name: string) => Promise<void>;
  };
  readonly apiKeys: {
    readonly create: (actor: Actor, order: ApiKeyOrder) => Promise<CreatedApiKey>;
    readonly list: (actor: Actor) => Promise<readonly ApiKeyRow[]>;
    readonly revoke: (actor: Actor, id: string) => Promise<void>;
  };
  readonly mcpServers: {
    readonly register: (viewer: Viewer, registration: McpServerRegistration) => Promise<void>;
    readonly list: (viewer: Viewer, repositoryUrl?: string) => Promise<readonly McpServerRow[]>;
    readonly remove: (viewer: Viewer, reference: McpServerReference) => Promise<void>;
  };
  readonly tools: {
    readonly catalog: () => readonly Tool[];
    readonly list: () => Promise<readonly Tool[]>;
    readonly show: (name: string) => Promise<Tool>;
    readonly register: (viewer: Viewer, tool: ToolRegistration) => Promise<void>;
    readonly remove: (viewer: Viewer, name: string) => Promise<void>;
  };
  readonly listRepositories: (
    viewer: Viewer,
    source: RepositorySource,
    wish: RepositoryPageWish,
    signal: AbortSignal,
  ) => Promise<RepositoryPage>;
  readonly browseSentry: BrowseSentry;
  readonly deliveries: {
    readonly list: (viewer: Viewer, query: DeliveryQuery) => Promise<DeliveryPage>;
    readonly show: (viewer: Viewer, id: string) => Promise<DeliveryRecord>;
  };
  readonly redeliver: (viewer: Viewer, id: string) => Promise<void>;
  readonly webhooks: ReceiveWebhook & {
    readonly list: (viewer: Viewer, query: WebhookQuery) => Promise<WebhookPage>;
    readonly show: (viewer: Viewer, id: string) => Promise<WebhookDelivery>;
    readonly redeliver: (viewer: Viewer, id: string) => Promise<void>;
  };
  readonly workspaces: {
    readonly list: (
      viewer: Viewer,
      page: { readonly limit: number; readonly offset: number },
    ) => Promise<WorkspacePage>;
    readonly remove: (viewer: Viewer, reference: TaskReference) => Promise<void>;
  };
  readonly listAgents: () => Promise<readonly AgentDescription[]>;
  readonly readHealth: () => Promise<Health>;
};

export type HttpDeps = {
  readonly services: HttpServices;
  readonly authenticate: Authenticate;
  /** True from the wish to stop on: then the server is not ready any more, and begins nothing new. */
  readonly isShuttingDown: () => boolean;
  /** Tells "PostgreSQL is away" (503, come back) from a defect (500). */
  readonly isDatabaseAway: (error: unknown) => boolean;
  readonly version: string;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** What has been measured, as a Prometheus scrapes it. Never rejects for a number that cannot be read. */
  readonly scrape: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly options?: Partial<HttpOptions>;
};

/** All times in milliseconds. */
export type HttpOptions = {
  readonly bodyLimitBytes: number;
  /** From a request's first byte to the last of its body, and to the last of its headers. */
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** How long a connection without a request is kept: longer than proxies keep theirs (60 s mostly). */
  readonly keepAliveTimeoutMs: number;
  /** What requests under way get when the server closes; then their connections are cut. */
  readonly drainMs: number;
  /** An event stream closes at this age; its client comes back. */
  readonly streamMaxMs: number;
  /** The same for the stream of a workflow run. */
  readonly workflowStreamMaxMs: number;
  readonly streamKeepaliveMs: number;
  /** A client that takes nothing for so long is cut off; it can resume. */
  readonly streamStallMs: number;
  /** Codebot: so many tasks may wait, and so long after its end a task is shown. */
  readonly codebotQueueSize: number;
  readonly codebotRetentionMs: number;
};

export const httpOptionDefaults: HttpOptions = {
  bodyLimitBytes: 1_048_576,
  requestTimeoutMs: 60_000,
  headersTimeoutMs: 15_000,
  keepAliveTimeoutMs: 72_000,
  drainMs: 5_000,
  streamMaxMs: 600_000,
  workflowStreamMaxMs: 1_800_000,
  streamKeepaliveMs: 15_000,
  streamStallMs: 60_000,
  codebotQueueSize: 100,
  codebotRetentionMs: 86_400_000,
};
