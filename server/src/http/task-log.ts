import type { EventData, EventType } from '../domain/event.ts';
import type { LoggedEvent } from '../services/show-task-overview.ts';

type Words = { readonly [Type in EventType]?: (data: EventData[Type]) => string };

/** What happened to a task, in a line each: its milestones, not what its agent says. */
const words: Words = {
  task_created: () => 'queued',
  clone_started: () => 'preparing the workspace',
  clone_completed: ({ baseBranch }) => `checked out ${baseBranch}`,
  agent_started: ({ agent }) => `${agent} started`,
  commit_created: ({ commit }) => `committed ${commit.slice(0, 12)}`,
  no_changes: () => 'nothing was changed',
  tests_started: () => 'the test command started',
  tests_finished: ({ passed, reason }) => (passed ? 'the tests passed' : `the tests failed: ${reason}`),
  tests_given_back: () => 'the agent was told which tests failed',
  tests_given_up: ({ failure }) => `the work stays as it is: ${failure.message}`,
  task_completed: () => 'the work is done',
  task_failed: ({ failure }) => `failed: ${failure.message}`,
  task_cancelled: () => 'stopped',
  run_retried: ({ failure }) => `tried again after: ${failure.message}`,
  run_lost: () => 'the worker was lost',
  branch_pushed: ({ branch }) => `pushed ${branch}`,
  branch_taken: ({ branch, next }) => `${branch} is somebody else's, going on as ${next}`,
  pull_request_opened: ({ url }) => `opened ${url}`,
  pull_request_updated: ({ url }) => `updated ${url}`,
  pull_request_replaced: ({ url }) => `opened ${url} in the place of a closed one`,
  cancel_requested: () => 'a stop was asked for',
  instruction_added: () => 'another instruction came',
  approval_requested: ({ summary }) => `a person is asked: ${summary}`,
  approval_decided: ({ decision }) => `the answer: ${decision}`,
  run_parked: () => 'put aside until the answer',
  run_resumed: () => 'going on',
  review_requested: () => 'a review was asked for',
  review_completed: ({ verdict }) => `reviewed: ${verdict}`,
};

const errors: ReadonlySet<EventType> = new Set(['task_failed', 'run_retried', 'run_lost']);

/** The events that become lines. */
export const loggedEvents: readonly EventType[] = Object.keys(words) as EventType[];

export type LogLine = {
  readonly timestamp: string;
  readonly level: 'info' | 'error';
  readonly message: string;
};

export function logLineOf({ at, type, data }: LoggedEvent): LogLine {
  // An event's data is of its type's shape; TypeScript cannot follow the table's rows.
  const say = words[type] as ((of: unknown) => string) | undefined;
  return {
    timestamp: at.toISOString(),
    level: errors.has(type) ? 'error' : 'info',
    message: say?.(data) ?? type,
  };
}
