/** Every state that a task can be stored in. */
export const taskStates = [
  'draft',
  'pending',
  'cloning',
  'running',
  'paused',
  'waiting_for_user',
  'completed',
  'reviewing',
  'awaiting_instruction',
  'creating_pr',
  'pr_created',
  'failed',
  'cancelled',
] as const;

export type TaskState = (typeof taskStates)[number];

/**
 * The task's state machine: from a state to the states that may follow it, nothing else. The database
 * refuses every other change by the same table (migration 0001, `task_transitions`), and a test holds
 * both equal. A lost worker changes no state here: its run is claimed again.
 */
export const taskTransitions = {
  draft: ['pending', 'cancelled'],
  pending: ['cloning', 'failed', 'cancelled'],
  cloning: ['running', 'failed', 'cancelled'],
  running: ['completed', 'failed', 'cancelled', 'paused', 'waiting_for_user'],
  paused: ['awaiting_instruction', 'failed', 'cancelled'],
  waiting_for_user: ['running', 'awaiting_instruction', 'failed', 'cancelled'],
  completed: ['awaiting_instruction', 'creating_pr', 'reviewing'],
  reviewing: ['completed', 'failed'],
  awaiting_instruction: ['running', 'reviewing', 'failed', 'cancelled'],
  creating_pr: ['pr_created', 'completed', 'failed'],
  pr_created: ['awaiting_instruction', 'completed'],
  failed: ['pending', 'creating_pr'],
  cancelled: ['pending'],
} as const satisfies Record<TaskState, readonly TaskState[]>;

/** The states in which nothing happens by itself: only a person moves the task on. No deadline stands. */
export const restingTaskStates = [
  'completed',
  'pr_created',
  'failed',
  'cancelled',
] as const satisfies readonly TaskState[];

/** The states that the sweeper never has to look at. */
export type RestingTaskState = (typeof restingTaskStates)[number];

export function canTaskMove(from: TaskState, to: TaskState): boolean {
  const targets: readonly TaskState[] = taskTransitions[from];
  return targets.includes(to);
}

export function isRestingTaskState(state: TaskState): state is RestingTaskState {
  const resting: readonly TaskState[] = restingTaskStates;
  return resting.includes(state);
}
