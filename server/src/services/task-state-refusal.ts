import { Refusal } from '../domain/errors.ts';
import type { TaskState } from '../domain/task-state.ts';

/** The task is in a state that the wish does not fit; the surface says it in its own words. */
export class TaskStateRefusal extends Refusal {
  readonly state: TaskState;

  constructor(state: TaskState) {
    super('conflict', `the task is ${state}`);
    this.state = state;
  }
}
