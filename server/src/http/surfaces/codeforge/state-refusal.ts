import { Refusal } from '../../../domain/errors.ts';
import { TaskStateRefusal } from '../../../services/task-state-refusal.ts';
import { statusOf } from './projection.ts';

/**
 * Says that a task is in another state in this window's words, for what can be done to finished work: to be
 * given to `catch`. `verb`: `instruct`.
 */
export function cannot(verb: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof TaskStateRefusal)) throw error;
    const status = statusOf(error.state);
    const message =
      status === 'failed'
        ? 'task has failed, create a new task instead'
        : `task is currently ${status}, cannot ${verb}`;
    throw new Refusal('conflict', message, { cause: error });
  };
}
