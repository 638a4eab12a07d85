import { posix } from 'node:path';
import type { FailurePhase } from '../domain/failure.ts';
import { taskStates, type TaskState } from '../domain/task-state.ts';
import type { TaskOverview, WholeTaskOverview } from '../services/show-task-overview.ts';
import { logLineOf } from './task-log.ts';
import { testsBody } from './tests-body.ts';
import type {
  FourStatus,
  TaskErrorBody,
  TaskOverviewBody,
  WholeTaskOverviewBody,
} from './task-overview-schemas.ts';

/** A stored state in the four words. */
const statuses: Record<TaskState, FourStatus> = {
  draft: 'pending',
  pending: 'pending',
  cloning: 'running',
  running: 'running',
  paused: 'running',
  waiting_for_user: 'running',
  completed: 'completed',
  reviewing: 'completed',
  awaiting_instruction: 'running',
  creating_pr: 'running',
  pr_created: 'completed',
  failed: 'failed',
  cancelled: 'failed',
};

/** How far a task is, in per cent. Nobody can know how long an agent takes: its part stands at the half. */
const progress: Record<TaskState, number> = {
  draft: 0,
  pending: 0,
  cloning: 10,
  running: 50,
  paused: 50,
  waiting_for_user: 50,
  completed: 100,
  reviewing: 100,
  awaiting_instruction: 25,
  creating_pr: 90,
  pr_created: 100,
  failed: 100,
  cancelled: 100,
};

const stages: Record<FailurePhase, TaskErrorBody['stage']> = {
  queue: 'queue',
  prepare: 'prepare',
  agent: 'agent',
  collect: 'collect',
  deliver: 'pr',
  infrastructure: 'infrastructure',
};

const stoppedByUser = 'stopped by user';
const noReason = 'it failed, and nobody said why';
const listDescriptionCharacters = 100;
const listSummaryCharacters = 200;
/** Where a workspace's folder has the checked-out tree. */
const tree = 'tree';

export function fourStatusOf(state: TaskState): FourStatus {
  return statuses[state];
}

/** The stored states that one of the four words stands for. */
export function statesOfFour(status: FourStatus): readonly TaskState[] {
  return taskStates.filter((state) => statuses[state] === status);
}

/** A task in a list: its texts are cut. */
export function taskOverviewBody(task: TaskOverview): TaskOverviewBody {
  return {
    ...overviewBody(task),
    description: cut(task.prompt, listDescriptionCharacters),
    summary: task.result === null ? null : cut(task.result, listSummaryCharacters),
  };
}

/** One task, whole. */
export function wholeTaskOverviewBody(task: WholeTaskOverview): WholeTaskOverviewBody {
  return {
    ...overviewBody(task),
    description: task.prompt,
    summary: task.result,
    tests: task.tests && testsBody(task.tests),
    logs: task.log.map(logLineOf),
  };
}

function overviewBody(task: TaskOverview): Omit<TaskOverviewBody, 'description' | 'summary'> {
  const status = fourStatusOf(task.state);
  const submittedAt = task.createdAt.toISOString();
  const startedAt = (status !== 'pending' && task.startedAt?.toISOString()) || null;
  const completedAt = (isOver(status) && task.finishedAt?.toISOString()) || null;
  const error = status === 'failed' ? errorOf(task) : null;
  return {
    task_id: task.id,
    id: task.id,
    status,
    submitted_at: submittedAt,
    queuedAt: submittedAt,
    started_at: startedAt,
    startedAt,
    completed_at: completedAt,
    completedAt,
    repository_url: task.repositoryUrl,
    ...repositoryNames(task.repositoryUrl),
    ...(status === 'completed' ? { result: resultOf(task) } : {}),
    ...(error === null ? {} : { error: error.message }),
    errorDetail: error,
    issueNumber: null,
    issueTitle: null,
    agent: task.agent,
    priority: priorityWord(task.priority),
    progress: progress[task.state],
    prUrl: task.pullRequestUrl,
    prNumber: task.pullRequestNumber,
    branch: task.branch,
  };
}

function isOver(status: FourStatus): boolean {
  return status === 'completed' || status === 'failed';
}

function resultOf(task: TaskOverview): NonNullable<TaskOverviewBody['result']> {
  return {
    pr_url: task.pullRequestUrl,
    branch_name: task.branch,
    work_dir: task.workspacesFolder && posix.join(task.workspacesFolder, task.workspaceId, tree),
  };
}

function errorOf({ state, failure, startedAt }: TaskOverview): TaskErrorBody {
  if (state === 'cancelled') {
    return { code: 'cancelled', message: stoppedByUser, stage: startedAt === null ? 'queue' : 'agent' };
  }
  if (failure === null) return { code: 'internal', message: noReason, stage: 'infrastructure' };
  return { code: failure.code, message: failure.message, stage: stages[failure.phase] };
}

/** The last part of the address's path, and what stands before it: a user, or groups. */
function repositoryNames(url: string): Pick<TaskOverviewBody, 'repoOwner' | 'repoName'> {
  const path = URL.canParse(url) ? new URL(url).pathname : url.slice(url.indexOf(':') + 1);
  const parts = path
    .replace(/\.git$/u, '')
    .split('/')
    .filter(Boolean);
  return { repoOwner: parts.slice(0, -1).join('/'), repoName: parts.at(-1) ?? '' };
}

function priorityWord(priority: number): 'low' | 'normal' | 'high' {
  if (priority === 0) return 'normal';
  return priority > 0 ? 'high' : 'low';
}

function cut(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most).join('')}...`;
}
