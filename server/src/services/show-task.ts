import { Refusal } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import { findTask, type Task, type TaskReference, type Viewer } from '../store/tasks.ts';

export type { Task, TaskReference, Viewer } from '../store/tasks.ts';

/**
 * One task, whole.
 *
 * @throws Refusal `not_found` where there is no such task or it is none of the viewer's business: nobody
 * learns which.
 */
export function createShowTaskService(deps: { readonly database: Database }) {
  return async (viewer: Viewer, reference: TaskReference): Promise<Task> => {
    const task = await findTask(deps.database, viewer, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    return task;
  };
}
