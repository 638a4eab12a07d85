import type { ChangesSummary, ReviewResult, TaskStatus, Usage } from './api-types.ts';
import type { StreamNews } from './stream-news.ts';

/** One step of the agent, in the same words whatever agent it is. */
export type AgentOutput = {
  readonly type: 'thinking' | 'text' | 'tool_use' | 'tool_result' | 'result' | 'error' | 'system';
  readonly content: string;
  readonly cli: string;
  /** The agent's own line, where it says more than `content`. */
  readonly raw?: unknown;
};

/** An event as a stream has it. */
export type NamedEvent<Type extends string, Event extends string, Data> = {
  readonly type: Type;
  readonly event: Event;
  readonly data: Data;
  /** When it happened, RFC 3339. */
  readonly ts: string;
};

type PullRequestFacts = {
  readonly pr_number: number;
  readonly pr_url: string;
  readonly branch: string;
  readonly base_branch: string;
};

type ReviewOutline = {
  readonly verdict: ReviewResult['verdict'];
  readonly score: number;
  readonly issues_count: number;
};

/**
 * An immutable fact of a task, as the server stores and streams it. The union holds what this version of
 * the client knows; a newer server may send more, so keep a `default` branch.
 */
export type TaskEvent =
  | NamedEvent<'git', 'clone_started', { readonly repo_url: string }>
  | NamedEvent<'git', 'clone_completed', { readonly work_dir?: string; readonly branch?: string }>
  | NamedEvent<'git', 'commit_created', { readonly commit: string }>
  | NamedEvent<'git', 'branch_pushed', { readonly branch: string; readonly commit: string }>
  | NamedEvent<'git', 'branch_gone', { readonly branch: string }>
  | NamedEvent<'git', 'pull_request_opened', PullRequestFacts>
  | NamedEvent<'git', 'pull_request_updated', PullRequestFacts>
  | NamedEvent<'git', 'pull_request_replaced', PullRequestFacts & { readonly before: number }>
  | NamedEvent<'system', 'labels_refused', { readonly labels: readonly string[]; readonly reason: string }>
  | NamedEvent<'git', 'branch_taken', { readonly branch: string; readonly next: string }>
  | NamedEvent<'system', 'cli_started', { readonly cli: string; readonly iteration: string }>
  | NamedEvent<'system', 'tests_started', { readonly command: string }>
  | NamedEvent<
      'system',
      'tests_finished',
      {
        readonly passed: boolean;
        readonly exit_code: number | null;
        readonly reason: string;
        readonly duration_seconds: number;
      }
    >
  | NamedEvent<'system', 'tests_given_back', null>
  | NamedEvent<'system', 'tests_given_up', { readonly error: string }>
  | NamedEvent<'system', 'instruction_added', { readonly iteration: number; readonly prompt: string }>
  | NamedEvent<'system', 'run_retried', { readonly attempt: number; readonly error: string }>
  | NamedEvent<'system', 'run_lost', { readonly attempt: number }>
  | NamedEvent<'system', 'session_lost', { readonly reason: string }>
  | NamedEvent<
      'system',
      'approval_requested',
      {
        readonly approval_id: string;
        readonly tool: string;
        readonly summary: string;
        readonly expires_at: string;
      }
    >
  | NamedEvent<
      'system',
      'approval_decided',
      { readonly approval_id: string; readonly decision: string; readonly reason: string }
    >
  | NamedEvent<'system', 'run_parked', null>
  | NamedEvent<'system', 'run_resumed', null>
  | NamedEvent<'system', 'review_requested', { readonly cli: string }>
  | NamedEvent<'system', 'review_started', null>
  | NamedEvent<'system', 'review_parsed', ReviewOutline & { readonly from: string }>
  | NamedEvent<'system', 'review_completed', ReviewOutline>
  | NamedEvent<'system', 'review_failed', { readonly error: string }>
  | NamedEvent<'system', 'review_timeout', { readonly timeout_seconds: number }>
  | NamedEvent<'system', 'review_canceled', null>
  | NamedEvent<'system', 'workspace_restored', { readonly files: readonly string[]; readonly more: number }>
  | NamedEvent<
      'system',
      'review_posted',
      { readonly review_url: string; readonly comments_posted: number; readonly pr_number: number }
    >
  | NamedEvent<'system', 'review_post_failed', { readonly error: string; readonly pr_number: number }>
  | NamedEvent<
      'system',
      'egress_refused',
      { readonly host: string; readonly port: number; readonly reason: string }
    >
  | NamedEvent<'system', 'mcp_server_failed', { readonly server: string; readonly error: string }>
  | NamedEvent<'system', 'task_timeout', { readonly timeout_seconds: number }>
  | NamedEvent<'system', 'task_canceled', null>
  | NamedEvent<'system', 'task_failed', { readonly error: string }>
  | NamedEvent<'stream', 'output', AgentOutput>
  | NamedEvent<
      'result',
      'task_completed',
      {
        readonly result: string;
        readonly changes_summary?: ChangesSummary | null;
        readonly usage?: Usage | null;
        readonly iteration: number;
      }
    >;

/** What following a task yields. */
export type StreamEvent = StreamNews<TaskEvent, TaskStatus, { readonly changes: ChangesSummary | undefined }>;
