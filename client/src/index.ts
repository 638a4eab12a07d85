export { createClient, type Client, type ClientOptions } from './client.ts';
export type { RepositoryPage, RepositorySource } from './client.ts';
export { ApiError, ConnectionError } from './errors.ts';
export { createSseParser, type SseMessage, type SseParser } from './sse-parser.ts';
export type {
  Approval,
  ApprovalAnswer,
  ApprovalList,
  CancelAnswer,
  ChangesSummary,
  CreatedKey,
  CreatedPullRequest,
  CreatedTask,
  DeletedKey,
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
  PostedReview,
  PostReviewInput,
  PullRequestInput,
  RedeliverAnswer,
  RedeliverWebhookAnswer,
  Repository,
  RepositoryList,
  SentryIssueList,
  SentryOrganizationList,
  SentryProjectList,
  ReviewAnswer,
  ReviewInput,
  ReviewIssue,
  ReviewResult,
  Task,
  TaskConfig,
  TaskInput,
  TaskList,
  TaskRow,
  TaskSettings,
  TaskStatus,
  Usage,
  Webhook,
  WebhookList,
  WebhookRow,
} from './api-types.ts';
export type { Deliveries, DeliveryQuery } from './deliveries.ts';
export type { Keys, KeyVerdict } from './keys.ts';
export type { CreateOptions, RequestOptions } from './request-options.ts';
export type { Sentry, SentryIssueQuery, SentryIssueReference, SentryObject } from './sentry.ts';
export type { AgentOutput, StreamEvent, TaskEvent } from './task-event.ts';
export type { ListQuery, Tasks } from './tasks.ts';
export type { Timing } from './timing.ts';
export type { WebhookQuery, Webhooks } from './webhooks.ts';
