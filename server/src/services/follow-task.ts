import type { EventType } from '../domain/event.ts';
import { isRestingTaskState } from '../domain/task-state.ts';
import type { Database } from '../store/database.ts';
import { findTask, type Task } from '../store/tasks.ts';
import type { EventFollower } from './follow-events.ts';
import { createFollowUntilRest, type FollowUntilRest } from './follow-until-rest.ts';

export type FollowTaskDeps = { readonly database: Database; readonly follower: EventFollower };

/** Events that may have brought the task to rest. */
const mayBringRest: ReadonlySet<EventType> = new Set([
  'task_completed',
  'task_failed',
  'task_cancelled',
  'branch_pushed',
  'pull_request_opened',
  'pull_request_updated',
  'pull_request_replaced',
  'review_completed',
  'review_failed',
  'review_timeout',
  'review_canceled',
  'review_posted',
  'review_post_failed',
] satisfies EventType[]);

/** Follows a task until it is at rest, as `createFollowUntilRest` says. */
export function createFollowTaskService({ database, follower }: FollowTaskDeps): FollowUntilRest<Task> {
  return createFollowUntilRest<Task>({
    follower,
    find: (viewer, id) => findTask(database, viewer, { id }),
    rests,
    mayBringRest,
  });
}

/** A task whose review is still to be posted has not come to its end. */
function rests({ state, isPosting }: Pick<Task, 'state' | 'isPosting'>): boolean {
  return isRestingTaskState(state) && !isPosting;
}
