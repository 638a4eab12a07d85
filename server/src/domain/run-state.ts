/** Every state that a run can be stored in. */
export const runStates = [
  'queued',
  'preparing',
  'running',
  'collecting',
  'succeeded',
  'failed',
  'cancelled',
  'lost',
  'parked',
] as const;

export type RunState = (typeof runStates)[number];

/**
 * The run's state machine. An ended row never changes: what follows is a new row with its cause. The
 * database refuses every other change by the same table (migration 0001, `run_transitions`).
 */
export const runTransitions = {
  queued: ['preparing', 'cancelled'],
  preparing: ['running', 'failed', 'cancelled', 'lost', 'parked'],
  running: ['collecting', 'failed', 'cancelled', 'lost', 'parked'],
  collecting: ['succeeded', 'failed', 'cancelled', 'lost', 'parked'],
  succeeded: [],
  failed: [],
  cancelled: [],
  lost: [],
  parked: [],
} as const satisfies Record<RunState, readonly RunState[]>;

/** Held by a worker under a lease. One workspace has at most one live run, by a unique index. */
export const liveRunStates = ['preparing', 'running', 'collecting'] as const satisfies readonly RunState[];

export type LiveRunState = (typeof liveRunStates)[number];

/** What a task can ask for. */
export const taskKinds = ['code', 'plan', 'review', 'pr_review'] as const;
export type TaskKind = (typeof taskKinds)[number];

/** What a run can do: that, or try the work of the run before it with the task's test command. */
export const runKinds = [...taskKinds, 'test'] as const;
export type RunKind = (typeof runKinds)[number];

/** Why a run exists. `test`: there is work to test; `test_failed`: the agent is given the tests that failed. */
export const runCauses = [
  'first',
  'follow_up',
  'review',
  'retry',
  'lost',
  'resumed',
  'test',
  'test_failed',
] as const;
export type RunCause = (typeof runCauses)[number];

/** Queues have workers of their own each, so that one kind of work never waits behind another. */
export const runQueues = ['tasks', 'reviews', 'follow_ups'] as const;
export type RunQueue = (typeof runQueues)[number];

/** Where the first run of a task waits. */
export function queueOf(kind: TaskKind): RunQueue {
  return kind === 'review' || kind === 'pr_review' ? 'reviews' : 'tasks';
}

export function canRunMove(from: RunState, to: RunState): boolean {
  const targets: readonly RunState[] = runTransitions[from];
  return targets.includes(to);
}
