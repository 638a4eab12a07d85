import { Refusal } from '../domain/errors.ts';
import type { TaskState } from '../domain/task-state.ts';
import { cancelTask } from '../store/cancel-task.ts';
import type { Database } from '../store/database.ts';
import { findTask, type TaskReference, type Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';

export type CancelTaskDeps = { readonly database: Database; readonly wakeups: Wakeups };

/** States in which something of the task is being worked on, and those in which it waits. */
const working: readonly TaskState[] = ['cloning', 'running', 'reviewing'];
const waiting: readonly TaskState[] = ['pending', 'awaiting_instruction'];

/**
 * Asks for the end of what a task is doing; with `queued`, takes back one that still waits too. The wish is
 * durable when this returns: `asked` while a worker ends the run, `cancelled` where nothing was running.
 *
 * @throws Refusal `not_found`, or `conflict` with the stored state in `state`.
 */
export function createCancelTaskService(deps: CancelTaskDeps) {
  return async (
    viewer: Viewer,
    reference: TaskReference,
    queued: boolean,
  ): Promise<{ readonly id: string }> => {
    const task = await findTask(deps.database, viewer, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    const answer = await cancelTask(deps.database, task.id, queued ? [...working, ...waiting] : working);
    if (answer.kind === 'unknown') throw new Refusal('not_found', 'task not found');
    if (answer.kind === 'refused') throw new TaskStateRefusal(answer.state);
    deps.wakeups.wake('cancel', task.id);
    deps.wakeups.wake('stream', task.id);
    return { id: task.id };
  };
}

/** The task is in a state that the wish does not fit; the surface says it in its own words. */
export class TaskStateRefusal extends Refusal {
  readonly state: TaskState;

  constructor(state: TaskState) {
    super('conflict', `the task is ${state}`);
    this.state = state;
  }
}
