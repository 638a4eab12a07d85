import type { EventData, EventType, PullRequestEvent, ReviewOutline } from '../../../domain/event.ts';
import type { StoredEvent } from '../../../services/follow-until-rest.ts';
import { changesSummaryOf, usageOf } from './projection.ts';

/** An event as this window's stream shows it. */
export type EventBody = {
  readonly type: 'system' | 'git' | 'stream' | 'result';
  readonly event: string;
  readonly data: object | null;
  readonly ts: string;
};

type Projection<Data> = (data: Data) => Omit<EventBody, 'ts'> | undefined;

/** Where the workspace lies for the agent; where it lies on the host is nobody's business. */
const workDir = '/workspace';

/**
 * Each kind of event in the document's words. Kinds that the document does not have keep their own name
 * where a person learns something by them, and are left out where not.
 */
const projections: { readonly [Type in EventType]: Projection<EventData[Type]> } = {
  task_created: () => undefined,
  cancel_requested: () => undefined,
  clone_started: (data) => ({ type: 'git', event: 'clone_started', data: { repo_url: data.repositoryUrl } }),
  clone_completed: (data) => ({
    type: 'git',
    event: 'clone_completed',
    data: { work_dir: workDir, branch: data.branch, base_branch: data.baseBranch, commit: data.commit },
  }),
  agent_started: (data) => ({
    type: 'system',
    event: 'cli_started',
    data: { cli: data.agent, iteration: String(data.iteration) },
  }),
  agent_output: (data) => ({
    type: 'stream',
    event: 'output',
    data: {
      type: data.type,
      content: data.content,
      cli: data.agent,
      raw: data.raw ?? null,
      ...(data.fullBytes === undefined ? {} : { full_bytes: data.fullBytes }),
    },
  }),
  commit_created: (data) => ({ type: 'git', event: 'commit_created', data: { commit: data.commit } }),
  no_changes: () => ({ type: 'system', event: 'no_changes', data: null }),
  task_completed: (data) => ({
    type: 'result',
    event: 'task_completed',
    data: {
      result: data.result,
      changes_summary: data.changes && changesSummaryOf(data.changes),
      usage: usageOf(data.durationSeconds, data.spend),
      iteration: data.iteration,
    },
  }),
  task_failed: (data) => ({ type: 'system', event: 'task_failed', data: { error: data.failure.message } }),
  task_cancelled: () => ({ type: 'system', event: 'task_canceled', data: null }),
  task_timeout: (data) => ({
    type: 'system',
    event: 'task_timeout',
    data: { timeout_seconds: data.seconds },
  }),
  run_retried: (data) => ({
    type: 'system',
    event: 'run_retried',
    data: { attempt: data.attempt, error: data.failure.message },
  }),
  run_lost: (data) => ({ type: 'system', event: 'run_lost', data: { attempt: data.attempt } }),
  branch_pushed: (data) => ({
    type: 'git',
    event: 'branch_pushed',
    data: { branch: data.branch, commit: data.commit },
  }),
  branch_gone: (data) => ({ type: 'git', event: 'branch_gone', data: { branch: data.branch } }),
  pull_request_opened: (data) => ({ type: 'git', event: 'pull_request_opened', data: pullRequestData(data) }),
  pull_request_updated: (data) => ({
    type: 'git',
    event: 'pull_request_updated',
    data: pullRequestData(data),
  }),
  pull_request_replaced: (data) => ({
    type: 'git',
    event: 'pull_request_replaced',
    data: { ...pullRequestData(data), before: data.before },
  }),
  labels_refused: (data) => ours('labels_refused', { labels: data.labels, reason: data.reason }),
  branch_taken: (data) => ({
    type: 'git',
    event: 'branch_taken',
    data: { branch: data.branch, next: data.next },
  }),
  instruction_added: (data) => ours('instruction_added', { iteration: data.iteration, prompt: data.prompt }),
  session_lost: (data) => ours('session_lost', { reason: data.reason }),
  approval_requested: (data) =>
    ours('approval_requested', {
      approval_id: data.approvalId,
      tool: data.tool,
      summary: data.summary,
      expires_at: data.expiresAt,
    }),
  approval_decided: (data) =>
    ours('approval_decided', {
      approval_id: data.approvalId,
      decision: data.decision,
      reason: data.reason,
    }),
  tests_started: (data) => ours('tests_started', { command: data.command }),
  tests_finished: (data) =>
    ours('tests_finished', {
      passed: data.passed,
      exit_code: data.exitCode,
      reason: data.reason,
      duration_seconds: data.durationSeconds,
    }),
  tests_given_back: () => ours('tests_given_back', null),
  tests_given_up: (data) => ours('tests_given_up', { error: data.failure.message }),
  run_parked: () => ours('run_parked', null),
  run_resumed: () => ours('run_resumed', null),
  review_requested: (data) => ours('review_requested', { cli: data.agent }),
  review_started: () => ({ type: 'system', event: 'review_started', data: null }),
  review_parsed: (data) => ({
    type: 'system',
    event: 'review_parsed',
    data: { ...outlineOf(data), from: data.from },
  }),
  review_completed: (data) => ({ type: 'system', event: 'review_completed', data: outlineOf(data) }),
  review_failed: (data) => ({
    type: 'system',
    event: 'review_failed',
    data: { error: data.failure.message },
  }),
  review_timeout: (data) => ({
    type: 'system',
    event: 'review_timeout',
    data: { timeout_seconds: data.seconds },
  }),
  review_canceled: () => ({ type: 'system', event: 'review_canceled', data: null }),
  workspace_restored: (data) => ours('workspace_restored', { files: data.files, more: data.more }),
  review_posted: (data) => ({
    type: 'system',
    event: 'review_posted',
    data: { review_url: data.url, comments_posted: data.comments, pr_number: data.number },
  }),
  review_post_failed: (data) => ({
    type: 'system',
    event: 'review_post_failed',
    data: { error: data.reason, pr_number: data.number },
  }),
  egress_refused: (data) => ours('egress_refused', { host: data.host, port: data.port, reason: data.reason }),
  mcp_server_failed: (data) => ours('mcp_server_failed', { server: data.server, error: data.reason }),
  // No task's: `workflow-event-projection.ts` has them.
  workflow_started: () => undefined,
  step_started: () => undefined,
  step_task_created: () => undefined,
  step_completed: () => undefined,
  step_failed: () => undefined,
  step_cancelled: () => undefined,
  workflow_completed: () => undefined,
  workflow_failed: () => undefined,
  workflow_cancelled: () => undefined,
};

function pullRequestData({ number, url, branch, base }: PullRequestEvent): object {
  return { pr_number: number, pr_url: url, branch, base_branch: base };
}

function outlineOf({ verdict, score, issues }: ReviewOutline): object {
  return { verdict, score, issues_count: issues };
}

/** Of a kind that the document does not have. */
function ours(event: string, data: object | null): Omit<EventBody, 'ts'> {
  return { type: 'system', event, data };
}

/** The event in this window's words; undefined where it has none for it. */
export function eventBody(event: Pick<StoredEvent, 'type' | 'data' | 'at'>): EventBody | undefined {
  // Type and data were written together, from `NewEvent`; a newer server's types are not in the table.
  const project = projections[event.type] as Projection<unknown> | undefined;
  const body = project?.(event.data);
  return body && { ...body, ts: event.at.toISOString() };
}
