import type { ChangesSummary } from '../../../domain/event.ts';
import { reviewBody } from '../../../domain/review-body.ts';
import type { Spend } from '../../../domain/spend.ts';
import type { Failure } from '../../../domain/failure.ts';
import { taskStates, type TaskState } from '../../../domain/task-state.ts';
import type { Approval } from '../../../services/list-approvals.ts';
import type { TaskRow } from '../../../services/list-tasks.ts';
import type { Iteration, Work } from '../../../services/read-work.ts';
import type { Task } from '../../../services/show-task.ts';
import { testsBody } from '../../tests-body.ts';
import type { ApprovalBody } from './approval-schemas.ts';
import { mcpServerBodyOf } from './mcp-projection.ts';
import { toolRequestBody } from './tool-projection.ts';
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
const iterationNotBegun = 'the task failed before this instruction was taken up';
const microdollarsPerUsd = 1_000_000;

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

/** Tokens from a cache and money are ours, and told where there are any. */
export function usageOf(durationSeconds: number, spend?: Spend): UsageBody {
  const { cacheReadTokens: read = 0, cacheWriteTokens: written = 0, microdollars = 0 } = spend ?? {};
  return {
    input_tokens: spend?.inputTokens ?? 0,
    output_tokens: spend?.outputTokens ?? 0,
    duration_seconds: durationSeconds,
    ...(read === 0 ? {} : { cache_read_tokens: read }),
    ...(written === 0 ? {} : { cache_write_tokens: written }),
    ...(microdollars === 0 ? {} : { cost_usd: microdollars / microdollarsPerUsd }),
  };
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
    pr_url: row.pullRequestUrl ?? '',
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
export function taskBodyOf(task: Task, work: Work): TaskBody {
  const usage = usageWhereAny(task.durationMs, work.spend);
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
    config: configOf(task.options),
    ...(task.changes === null ? {} : { changes_summary: changesSummaryOf(task.changes) }),
    ...(usage === undefined ? {} : { usage }),
    ...(task.tests === null ? {} : { tests: testsBody(task.tests) }),
    ...(task.review === null ? {} : { review_result: reviewBody(task.review) }),
    iteration: task.iteration,
    ...filled({ current_prompt: task.currentPrompt, branch: task.branch }),
    ...(task.pullRequestNumber === null ? {} : { pr_number: task.pullRequestNumber }),
    ...filled({ pr_url: task.pullRequestUrl }),
    ...(work.iterations === undefined ? {} : { iterations: iterationBodies(task, work.iterations) }),
    ...filled({ workflow_run_id: task.workflowRunId }),
    trace_id: task.traceId,
    created_at: task.createdAt.toISOString(),
    ...filled({
      started_at: task.startedAt?.toISOString(),
      finished_at: task.finishedAt?.toISOString(),
    }),
  };
}

function configOf(options: Task['options']): TaskBody['config'] {
  const { maxTurns, maxBudgetMicrodollars: budget, partialMessages, draft, labels } = options;
  const { pullRequestNumber, outputMode, workspaceTaskId } = options;
  return {
    timeout_seconds: options.timeoutSeconds,
    cli: options.agent,
    ...filled({
      command: options.command,
      test_command: options.testCommand,
      source_branch: options.sourceBranch,
      target_branch: options.targetBranch,
      ai_model: options.model,
      approvals: options.approvals,
    }),
    ...(maxTurns === undefined ? {} : { max_turns: maxTurns }),
    ...(budget === undefined ? {} : { max_budget_usd: budget / microdollarsPerUsd }),
    ...(partialMessages === undefined ? {} : { partial_messages: partialMessages }),
    ...(draft === undefined ? {} : { draft }),
    ...(labels === undefined ? {} : { labels: [...labels] }),
    ...(pullRequestNumber === undefined ? {} : { pr_number: pullRequestNumber }),
    ...filled({ output_mode: outputMode, workspace_task_id: workspaceTaskId }),
    ...(options.mcpServers === undefined ? {} : { mcp_servers: options.mcpServers.map(mcpServerBodyOf) }),
    ...(options.tools === undefined ? {} : { tools: options.tools.map(toolRequestBody) }),
  };
}

function usageWhereAny(durationMs: number, spend: Spend): UsageBody | undefined {
  const nothing = durationMs === 0 && Object.values(spend).every((amount) => amount === 0);
  return nothing ? undefined : usageOf(Math.round(durationMs / 1_000), spend);
}

/** The task's first iteration is no record before it has begun; instructions are, from their acceptance on. */
function iterationBodies(task: Task, iterations: readonly Iteration[]): IterationBody[] {
  return iterations
    .filter(({ number, startedAt }) => number > 1 || startedAt !== null)
    .map((iteration) => {
      const usage = usageWhereAny(iteration.durationMs, iteration.spend);
      const { status, error } = outcomeOf(task, iteration);
      return {
        number: iteration.number,
        prompt: iteration.prompt,
        ...filled({ result: iteration.resultStart, error, cli_version: iteration.agentVersion }),
        status,
        ...(iteration.changes === null ? {} : { changes: changesSummaryOf(iteration.changes) }),
        ...(usage === undefined ? {} : { usage }),
        started_at: iteration.startedAt?.toISOString() ?? null,
        ended_at: iteration.endedAt?.toISOString() ?? null,
      };
    });
}

/**
 * How an iteration stands. The one that the task is at stands as the task does, and so does an ended one that
 * was its last where the task has failed: in its delivery, or because its worker was lost too often.
 */
function outcomeOf(task: Task, iteration: Iteration): { status: CodeforgeStatus; error: string } {
  const { state, cause } = iteration;
  const ofTask = { status: statusOf(task.state), error: errorOf(task) };
  const failed = (error: string) => ({ status: statusOf('failed'), error });
  switch (state) {
    case 'queued':
      return cause === 'follow_up' ? { status: statusOf('awaiting_instruction'), error: '' } : ofTask;
    case 'preparing':
    case 'running':
    case 'collecting':
    case 'parked':
      return ofTask;
    case 'succeeded':
      return iteration.number === task.iteration && ofTask.status === 'failed'
        ? ofTask
        : { status: statusOf('completed'), error: '' };
    case 'cancelled':
      return failed(task.state === 'failed' ? iterationNotBegun : canceledByUser);
    case 'failed':
    case 'lost':
      return failed(iteration.failure?.message ?? errorOf(task));
  }
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

export function approvalBodyOf(approval: Approval): ApprovalBody {
  return {
    id: approval.id,
    task_id: approval.taskId,
    tool: approval.tool,
    summary: approval.summary,
    arguments: approval.arguments,
    state: approval.state,
    reason: approval.reason ?? '',
    expires_at: approval.expiresAt.toISOString(),
    created_at: approval.createdAt.toISOString(),
    decided_at: approval.decidedAt?.toISOString() ?? null,
  };
}
