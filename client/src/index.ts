export { createClient, type Client, type ClientOptions, type RequestOptions } from './client.ts';
export { ApiError, ConnectionError } from './errors.ts';
export { createSseParser, type SseMessage, type SseParser } from './sse-parser.ts';
export type {
  Approval,
  ApprovalAnswer,
  ApprovalList,
  CancelAnswer,
  ChangesSummary,
  CreatedTask,
  Failure,
  Health,
  InstructAnswer,
  ListQuery,
  Task,
  TaskConfig,
  TaskInput,
  TaskList,
  TaskRow,
  TaskStatus,
  Usage,
} from './task.ts';
export type { AgentOutput, StreamEvent, TaskEvent } from './task-event.ts';
export type { Timing } from './timing.ts';
