import type { WorkflowRunStatus, WorkflowStep } from './api-types.ts';
import type { StreamNews } from './stream-news.ts';
import type { NamedEvent } from './task-event.ts';

type OfStep<Event extends string, Data = unknown> = NamedEvent<
  'system',
  Event,
  { readonly step: string } & Data
>;

/**
 * An immutable fact of a workflow run. The union holds what this version of the client knows; a newer server may
 * send more, so keep a `default` branch. What a step's task does is in the task's own stream.
 */
export type WorkflowEvent =
  | NamedEvent<'system', 'workflow_started', { readonly workflow: string; readonly run_id: string }>
  | OfStep<'step_started', { readonly type: WorkflowStep['type'] }>
  | OfStep<'step_task_created', { readonly task_id: string }>
  | OfStep<'step_completed'>
  | OfStep<'step_failed', { readonly error: string }>
  | OfStep<'step_canceled'>
  | NamedEvent<'system', 'workflow_completed', null>
  | NamedEvent<'system', 'workflow_failed', { readonly error: string }>
  | NamedEvent<'system', 'workflow_canceled', null>;

/** What following a workflow run yields. */
export type WorkflowStreamEvent = StreamNews<
  WorkflowEvent,
  WorkflowRunStatus,
  /** Why the run failed, where it did. */
  { readonly error: string | undefined }
>;
