import { Refusal } from '../domain/errors.ts';
import type { TaskState } from '../domain/task-state.ts';
import type { Database } from '../store/database.ts';
import { findTask, type TaskReference, type Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { deleteWorkspace } from '../store/workspaces.ts';
import { TaskStateRefusal } from './task-state-refusal.ts';

/** Something of the task is at work in the tree, takes its work from it, or is to go on in it as it is. */
const needed: readonly TaskState[] = [
  'cloning',
  'running',
  'paused',
  'waiting_for_user',
  'reviewing',
  'creating_pr',
];

/**
 * Deletes the workspace of a task, which other tasks may share. The wish is durable when this returns; whoever has
 * the folder removes it then. Work and conversation are kept, so the task can still be followed up and published.
 *
 * @throws Refusal `not_found`, or `conflict` with the state of the task that is at work there in `state`.
 */
export function createDeleteWorkspaceService(deps: {
  readonly database: Database;
  readonly wakeups: Wakeups;
}) {
  return async (viewer: Viewer, reference: TaskReference): Promise<void> => {
    const task = await findTask(deps.database, viewer, reference);
    const answer = task === undefined ? undefined : await deleteWorkspace(deps.database, task.id, needed);
    if (answer === undefined || answer.kind === 'unknown')
      throw new Refusal('not_found', 'workspace not found');
    if (answer.kind === 'refused') throw new TaskStateRefusal(answer.state);
    deps.wakeups.wake('workspace', answer.workspaceId);
  };
}
