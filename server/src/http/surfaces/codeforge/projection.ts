import type { ChangesSummary } from '../../../domain/event.ts';
import type { Failure } from '../../../domain/failure.ts';
import { taskStates, type TaskState } from '../../../domain/task-state.ts';
import type { TaskRow } from '../../../services/list-tasks.ts';
import type { Task } from '../../../services/show-task.ts';
import type {
  ChangesSummaryBody,
  CodeforgeStatus,
  IterationBody,
  TaskBody,
  TaskRowBody,
  UsageBody,
} from './schemas.ts';

/** A stored state in this window's words. */
const statuses: Record<TaskState, CodeforgeStatus> = {
  draft: 'pending',
  pending: 'pending',
  cloning: 'cloning',
  running: 'running',
  paused: 'running',
  waiting_for_user: 'running',
  completed: 'completed',
  reviewing: 'reviewing',
  awaiting_instruction: 'awaiting_instruction',
  creating_pr: 'creating_pr',
  pr_created: 'pr_created',
  failed: 'failed',
  cancelled: 'failed',
};

const canceledByUser = 'canceled by user';
const listPromptCharacters = 200;
const iterationResultCharacters = 2_000;

export function statusOf(state: TaskState): CodeforgeStatus {
  return statuses[state];
}

/** The stored states that a word of this window stands for; none for a word that it does not have. */
export function statesOf(status: string): readonly TaskState[] {
  return taskStates.filter((state) => statuses[state] === status);
}

/** Why a task failed, for people; empty where it did not. */
function errorOf(task: { readonly state: TaskState; readonly failure: Failure | null }): string {
  return task.state === 'cancelled' ? canceledByUser : (task.failure?.message ?? '');
}

export function changesSummaryOf(changes: ChangesSummary): ChangesSummaryBody {
  return {
    files_modified: changes.filesModified,
    files_created: changes.filesCreated,
    files_deleted: changes.filesDeleted,
    diff_stats: `+${changes.insertions} -${changes.deletions}`,
  };
}

/** No agent of this version counts tokens. */
export function usageOf(durationSeconds: number): UsageBody {
  return { input_tokens: 0, output_tokens: 0, duration_seconds: durationSeconds };
}

/** A row of the list, with every documented field. `promptStart` is at most one character too long. */
export function taskRowBody(row: TaskRow): TaskRowBody {
  return {
    id: row.id,
    status: statusOf(row.state),
    task_type: row.kind,
    repo_url: row.repositoryUrl,
    prompt: cutPrompt(row.promptStart),
    iteration: row.iteration,
    error: errorOf(row),
    branch: row.branch ?? '',
    pr_url: '',
    changes_summary: row.changes && changesSummaryOf(row.changes),
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    finished_at: row.finishedAt?.toISOString() ?? null,
  };
}

function cutPrompt(start: string): string {
  const characters = Array.from(start);
  return characters.length <= listPromptCharacters
    ? start
    : `${characters.slice(0, listPromptCharacters).join('')}...`;
}

/** One task, whole, without what is empty. */
export function taskBodyOf(task: Task, withIterations: boolean): TaskBody {
  return {
    id: task.id,
    status: statusOf(task.state),
    task_type: task.kind,
    repo_url: task.repositoryUrl,
    prompt: task.prompt,
    publish: task.publish,
    ...filled({ provider_key: task.providerKey, callback_url: task.callbackUrl }),
    ...filled({ result: task.result, error: errorOf(task) }),
    ...(task.failure === null ? {} : { failure: task.failure }),
    config: {
      timeout_seconds: task.options.timeoutSeconds,
      cli: task.options.agent,
      ...filled({
        command: task.options.command,
        source_branch: task.options.sourceBranch,
        target_branch: task.options.targetBranch,
      }),
    },
    ...outcomeOf(task),
    iteration: task.iteration,
    ...filled({ current_prompt: task.currentPrompt, branch: task.branch }),
    ...(withIterations ? { iterations: iterationsOf(task) } : {}),
    trace_id: task.traceId,
    created_at: task.createdAt.toISOString(),
    ...filled({
      started_at: task.startedAt?.toISOString(),
      finished_at: task.finishedAt?.toISOString(),
    }),
  };
}

function outcomeOf(task: Task): Pick<TaskBody, 'changes_summary' | 'usage'> {
  return {
    ...(task.changes === null ? {} : { changes_summary: changesSummaryOf(task.changes) }),
    ...(task.durationMs === 0 ? {} : { usage: usageOf(Math.round(task.durationMs / 1_000)) }),
  };
}

/** Nothing of this version starts a second iteration, so the history is the task itself, once it began. */
function iterationsOf(task: Task): IterationBody[] {
  if (task.startedAt === null) return [];
  const { changes_summary: changes, usage } = outcomeOf(task);
  return [
    {
      number: task.iteration,
      prompt: task.currentPrompt ?? task.prompt,
      ...filled({ result: task.result?.slice(0, iterationResultCharacters), error: errorOf(task) }),
      status: statusOf(task.state),
      ...(changes === undefined ? {} : { changes }),
      ...(usage === undefined ? {} : { usage }),
      started_at: task.startedAt.toISOString(),
      ended_at: task.finishedAt?.toISOString() ?? null,
    },
  ];
}

/** What the stream says last. */
export function doneData(task: Task) {
  return {
    task_id: task.id,
    status: statusOf(task.state),
    changes_summary: task.changes && changesSummaryOf(task.changes),
  };
}

/** Without the entries that are empty. */
function filled<Name extends string>(
  entries: Readonly<Record<Name, string | null | undefined>>,
): { [Key in Name]?: string } {
  const kept: { [Key in Name]?: string } = {};
  for (const [name, value] of Object.entries<string | null | undefined>(entries)) {
    if (value !== null && value !== undefined && value !== '') kept[name as Name] = value;
  }
  return kept;
}
