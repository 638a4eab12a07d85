import type { EventType } from '../domain/event.ts';
import { openWorkflowRunStates, type WorkflowRunState } from '../domain/workflow.ts';
import type { Database } from '../store/database.ts';
import { findWorkflowRun, type WorkflowRun } from '../store/workflow-list.ts';
import type { EventFollower } from './follow-events.ts';
import { createFollowUntilRest, type FollowUntilRest } from './follow-until-rest.ts';

/** Events with which a run is over. */
const mayBringRest: ReadonlySet<EventType> = new Set([
  'workflow_completed',
  'workflow_failed',
  'workflow_cancelled',
] satisfies EventType[]);

const openStates: readonly WorkflowRunState[] = openWorkflowRunStates;

/** Follows a workflow run until it is over, as `createFollowUntilRest` says. */
export function createFollowWorkflowRunService({
  database,
  follower,
}: {
  readonly database: Database;
  readonly follower: EventFollower;
}): FollowUntilRest<WorkflowRun> {
  return createFollowUntilRest<WorkflowRun>({
    follower,
    find: (viewer, id) => findWorkflowRun(database, viewer, id),
    rests: ({ state }) => !openStates.includes(state),
    mayBringRest,
  });
}
