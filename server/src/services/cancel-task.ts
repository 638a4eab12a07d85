import { Refusal } from '../domain/errors.ts';
import type { TaskState } from '../domain/task-state.ts';
import { cancelTask } from '../store/cancel-task.ts';
import type { Database } from '../store/database.ts';
import { findTask, type TaskReference, type Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { TaskStateRefusal } from './task-state-refusal.ts';

export type CancelTaskDeps = { readonly database: Database; readonly wakeups: Wakeups };

/**
 * States in which something of the task is under way, if only its agent, put away while a person is waited
 * for; and those in which it waits for a worker.
 */
const working: readonly TaskState[] = ['cloning', 'running', 'waiting_for_user', 'paused', 'reviewing'];
const waiting: readonly TaskState[] = ['pending', 'awaiting_instruction'];

/** All of them. */
export const cancellableStates: readonly TaskState[] = [...working, ...waiting];

/** Ends what a task is doing or waits to do, for who wants nothing of it any more; where it is over, nothing. */
export type StopTask = (taskId: string) => Promise<void>;

export function createStopTask({ database, wakeups }: CancelTaskDeps): StopTask {
  return async (taskId) => {
    await cancelTask(database, taskId, cancellableStates);
    wakeups.wake('cancel', taskId);
    wakeups.wake('stream', taskId);
  };
}

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
    const answer = await cancelTask(deps.database, task.id, queued ? cancellableStates : working);
    if (answer.kind === 'unknown') throw new Refusal('not_found', 'task not found');
    if (answer.kind === 'refused') throw new TaskStateRefusal(answer.state);
    deps.wakeups.wake('cancel', task.id);
    deps.wakeups.wake('stream', task.id);
    return { id: task.id };
  };
}
