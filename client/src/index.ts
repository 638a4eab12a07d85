export { createClient, type Client, type ClientOptions } from './client.ts';
export type { RepositoryPage, RepositorySource } from './client.ts';
export { ApiError, ConnectionError, InvalidIdError } from './errors.ts';
export { createSseParser, type SseMessage, type SseParser } from './sse-parser.ts';
export type {
  ApiKey,
  ApiKeyInput,
  ApiKeyList,
  Approval,
  ApprovalAnswer,
  ApprovalList,
  CancelAnswer,
  CanceledWorkflowRun,
  CanceledWorkflowRuns,
  ChangesSummary,
  CreatedApiKey,
  CreatedKey,
  CreatedMcpServer,
  CreatedPullRequest,
  CreatedTask,
  CreatedTool,
  CreatedWorkflow,
  DeletedKey,
  DeletedMcpServer,
  DeletedTool,
  DeletedWorkflow,
  DeletedWorkspace,
  Delivery,
  DeliveryList,
  DeliveryRow,
  Failure,
  Health,
  InstructAnswer,
  Iteration,
  Key,
  KeyInput,
  KeyList,
  McpServer,
  McpServerInput,
  McpServerList,
  PostReviewInput,
  PostedReview,
  PullRequestInput,
  RedeliverAnswer,
  RedeliverWebhookAnswer,
  Repository,
  RepositoryList,
  ReviewAnswer,
  ReviewInput,
  ReviewIssue,
  ReviewResult,
  RevokedApiKey,
  RunWorkflowInput,
  SentryIssueList,
  SentryOrganizationList,
  SentryProjectList,
  StartedWorkflowRun,
  Task,
  TaskConfig,
  TaskInput,
  TaskList,
  TaskMcpServer,
  TaskMcpServerInput,
  TaskRow,
  TaskSettings,
  TaskStatus,
  TaskTool,
  TaskToolInput,
  Tool,
  ToolInput,
  ToolList,
  ToolSetting,
  ToolSettingInput,
  Usage,
  Webhook,
  WebhookList,
  WebhookRow,
  Workflow,
  WorkflowInput,
  WorkflowList,
  WorkflowParameter,
  WorkflowParameterInput,
  WorkflowRow,
  WorkflowRun,
  WorkflowRunList,
  WorkflowRunRow,
  WorkflowRunStatus,
  WorkflowRunStep,
  WorkflowStep,
  WorkflowStepInput,
  Workspace,
  WorkspaceList,
} from './api-types.ts';
export type { ApiKeys } from './api-keys.ts';
export type { Deliveries, DeliveryQuery } from './deliveries.ts';
export type { Keys, KeyVerdict } from './keys.ts';
export type { McpServers, McpServerScope } from './mcp.ts';
export type { CreateOptions, RequestOptions } from './request-options.ts';
export type { Sentry, SentryIssueQuery, SentryIssueReference, SentryObject } from './sentry.ts';
export type { StreamNews } from './stream-news.ts';
export type { AgentOutput, StreamEvent, TaskEvent } from './task-event.ts';
export type { ListQuery, Tasks } from './tasks.ts';
export type { Timing } from './timing.ts';
export type { Tools } from './tools.ts';
export type { WebhookQuery, Webhooks } from './webhooks.ts';
export type { WorkflowEvent, WorkflowStreamEvent } from './workflow-event.ts';
export type { WorkflowRunQuery, WorkflowRuns } from './workflow-runs.ts';
export type { WorkflowParams, Workflows } from './workflows.ts';
export type { WorkspaceQuery, Workspaces } from './workspaces.ts';
