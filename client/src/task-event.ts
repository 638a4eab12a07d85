import type { ChangesSummary, ReviewResult, TaskStatus, Usage } from './api-types.ts';

/** One step of the agent, in the same words whatever agent it is. */
export type AgentOutput = {
  readonly type: 'thinking' | 'text' | 'tool_use' | 'tool_result' | 'result' | 'error' | 'system';
  readonly content: string;
  readonly cli: string;
  /** The agent's own line, where it says more than `content`. */
  readonly raw?: unknown;
};

type Named<Type extends string, Event extends string, Data> = {
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
  | Named<'git', 'clone_started', { readonly repo_url: string }>
  | Named<'git', 'clone_completed', { readonly work_dir?: string; readonly branch?: string }>
  | Named<'git', 'commit_created', { readonly commit: string }>
  | Named<'git', 'branch_pushed', { readonly branch: string; readonly commit: string }>
  | Named<'git', 'branch_gone', { readonly branch: string }>
  | Named<'git', 'pull_request_opened', PullRequestFacts>
  | Named<'git', 'pull_request_updated', PullRequestFacts>
  | Named<'git', 'pull_request_replaced', PullRequestFacts & { readonly before: number }>
  | Named<'system', 'labels_refused', { readonly labels: readonly string[]; readonly reason: string }>
  | Named<'git', 'branch_taken', { readonly branch: string; readonly next: string }>
  | Named<'system', 'cli_started', { readonly cli: string; readonly iteration: string }>
  | Named<'system', 'instruction_added', { readonly iteration: number; readonly prompt: string }>
  | Named<'system', 'run_retried', { readonly attempt: number; readonly error: string }>
  | Named<'system', 'run_lost', { readonly attempt: number }>
  | Named<'system', 'session_lost', { readonly reason: string }>
  | Named<
      'system',
      'approval_requested',
      {
        readonly approval_id: string;
        readonly tool: string;
        readonly summary: string;
        readonly expires_at: string;
      }
    >
  | Named<
      'system',
      'approval_decided',
      { readonly approval_id: string; readonly decision: string; readonly reason: string }
    >
  | Named<'system', 'run_parked', null>
  | Named<'system', 'run_resumed', null>
  | Named<'system', 'review_requested', { readonly cli: string }>
  | Named<'system', 'review_started', null>
  | Named<'system', 'review_parsed', ReviewOutline & { readonly from: string }>
  | Named<'system', 'review_completed', ReviewOutline>
  | Named<'system', 'review_failed', { readonly error: string }>
  | Named<'system', 'review_timeout', { readonly timeout_seconds: number }>
  | Named<'system', 'review_canceled', null>
  | Named<'system', 'workspace_restored', { readonly files: readonly string[]; readonly more: number }>
  | Named<
      'system',
      'review_posted',
      { readonly review_url: string; readonly comments_posted: number; readonly pr_number: number }
    >
  | Named<'system', 'review_post_failed', { readonly error: string; readonly pr_number: number }>
  | Named<
      'system',
      'egress_refused',
      { readonly host: string; readonly port: number; readonly reason: string }
    >
  | Named<'system', 'task_timeout', { readonly timeout_seconds: number }>
  | Named<'system', 'task_canceled', null>
  | Named<'system', 'task_failed', { readonly error: string }>
  | Named<'stream', 'output', AgentOutput>
  | Named<
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
export type StreamEvent =
  /** The stream is open, for the first time or again. `at`: the server's time then, where it told. */
  | { readonly kind: 'connected'; readonly status: TaskStatus; readonly at: string | undefined }
  /** The connection was lost; the stream goes on by itself, without a gap or a repeat, after `waitMs`. */
  | { readonly kind: 'interrupted'; readonly reason: string; readonly waitMs: number }
  /** `id` resumes behind this event; undefined where the server gave none. */
  | { readonly kind: 'event'; readonly id: string | undefined; readonly event: TaskEvent }
  /** The task has ended; nothing comes after this. */
  | { readonly kind: 'done'; readonly status: TaskStatus; readonly changes: ChangesSummary | undefined };
