import type { EventData, EventType } from '../../../domain/event.ts';
import type { StoredEvent } from '../../../services/follow-until-rest.ts';
import type { EventBody } from './event-projection.ts';

type Shown = { readonly event: string; readonly data: object | null };
type Projections = { readonly [Type in EventType]?: (data: EventData[Type], runId: string) => Shown };

/** Each kind of event of a workflow run in the document's words; the last four and the task's id are ours. */
const projections: Projections = {
  workflow_started: ({ workflow }, runId) => ({
    event: 'workflow_started',
    data: { workflow, run_id: runId },
  }),
  step_started: ({ step, kind }) => ({ event: 'step_started', data: { step, type: kind } }),
  step_task_created: ({ step, taskId }) => ({
    event: 'step_task_created',
    data: { step, task_id: taskId },
  }),
  step_completed: ({ step }) => ({ event: 'step_completed', data: { step } }),
  step_failed: ({ step, error }) => ({ event: 'step_failed', data: { step, error } }),
  step_cancelled: ({ step }) => ({ event: 'step_canceled', data: { step } }),
  workflow_completed: () => ({ event: 'workflow_completed', data: null }),
  workflow_failed: ({ error }) => ({ event: 'workflow_failed', data: { error } }),
  workflow_cancelled: () => ({ event: 'workflow_canceled', data: null }),
};

/** The event of a run in this window's words; undefined where it has none for it. */
export function runEventBody(
  event: Pick<StoredEvent, 'type' | 'data' | 'at'>,
  runId: string,
): EventBody | undefined {
  // Type and data were written together, from `NewEvent`; a newer server's types are not in the table.
  const project = projections[event.type] as ((data: unknown, runId: string) => Shown) | undefined;
  const shown = project?.(event.data, runId);
  return shown && { type: 'system', ...shown, ts: event.at.toISOString() };
}
