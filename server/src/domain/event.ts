import type { ApprovalDecision } from './approval-state.ts';
import type { Failure } from './failure.ts';
import type { ReviewSource, Verdict } from './review.ts';
import type { Spend } from './spend.ts';
import type { TestOutcome } from './test-outcome.ts';
import type { WorkflowStepKind } from './workflow.ts';

/**
 * What the log of a task can hold. Events are neutral: a surface projects them into its own words when it
 * reads them. A change of a shape gets a new version; old rows stay readable.
 */
export type EventData = {
  task_created: { readonly source: string };
  clone_started: { readonly repositoryUrl: string };
  clone_completed: { readonly branch: string; readonly baseBranch: string; readonly commit: string };
  agent_started: { readonly agent: string; readonly iteration: number };
  agent_output: AgentOutput;
  commit_created: { readonly commit: string };
  no_changes: Record<string, never>;
  tests_started: { readonly command: string };
  tests_finished: TestOutcome;
  /** The agent is told which tests failed, and goes on. */
  tests_given_back: Record<string, never>;
  /** They could not be run, or not be mended: the work is delivered as it is. */
  tests_given_up: { readonly failure: Failure };
  task_completed: {
    readonly result: string;
    readonly changes: ChangesSummary | null;
    readonly durationSeconds: number;
    readonly iteration: number;
    /** What the iteration cost; not in events of older versions. */
    readonly spend?: Spend;
  };
  task_failed: { readonly failure: Failure };
  task_cancelled: Record<string, never>;
  task_timeout: { readonly seconds: number };
  run_retried: { readonly attempt: number; readonly failure: Failure };
  run_lost: { readonly attempt: number };
  branch_pushed: { readonly branch: string; readonly commit: string };
  /** The branch was deleted at the remote since it was pushed last; it is pushed anew. */
  branch_gone: { readonly branch: string };
  pull_request_opened: PullRequestEvent;
  /** It was there already; the branch behind it moved, and with it perhaps title, body and labels. */
  pull_request_updated: PullRequestEvent;
  /** The one before was closed or merged meanwhile: a new one was opened from the same branch. */
  pull_request_replaced: PullRequestEvent & { readonly before: number };
  /** The pull request stands, but not with its labels. */
  labels_refused: { readonly labels: readonly string[]; readonly reason: string };
  branch_taken: { readonly branch: string; readonly next: string };
  cancel_requested: Record<string, never>;
  instruction_added: { readonly iteration: number; readonly prompt: string };
  /** The agent's conversation could not be gone on with: a new one was started with what is known of it. */
  session_lost: { readonly reason: string };
  approval_requested: {
    readonly approvalId: string;
    readonly tool: string;
    readonly summary: string;
    readonly expiresAt: string;
  };
  approval_decided: {
    readonly approvalId: string;
    readonly decision: ApprovalDecision;
    readonly reason: string;
  };
  /** The agent was put away while a person is waited for; its slot is free. */
  run_parked: Record<string, never>;
  run_resumed: Record<string, never>;
  /** Somebody wants the task's work to be reviewed. */
  review_requested: { readonly agent: string };
  review_started: Record<string, never>;
  /** What the agent's answer came to, and how it was read. */
  review_parsed: ReviewOutline & { readonly from: ReviewSource };
  /** The review that somebody asked for is there. */
  review_completed: ReviewOutline;
  review_failed: { readonly failure: Failure };
  review_timeout: { readonly seconds: number };
  review_canceled: Record<string, never>;
  /** A run that was to read only has changed its workspace; what it did there was thrown away. */
  workspace_restored: { readonly files: readonly string[]; readonly more: number };
  review_posted: { readonly number: number; readonly url: string; readonly comments: number };
  review_post_failed: { readonly number: number; readonly reason: string };
  egress_refused: { readonly host: string; readonly port: number; readonly reason: string };
  /** An MCP server that the agent was given is not there for it; the run goes on without. */
  mcp_server_failed: { readonly server: string; readonly reason: string };
  /** From here on, in the log of a workflow run. */
  workflow_started: { readonly workflow: string };
  step_started: { readonly step: string; readonly kind: WorkflowStepKind };
  /** The task that the step is made of. */
  step_task_created: { readonly step: string; readonly taskId: string };
  step_completed: { readonly step: string };
  step_failed: { readonly step: string; readonly error: string };
  step_cancelled: { readonly step: string };
  workflow_completed: Record<string, never>;
  workflow_failed: { readonly error: string };
  workflow_cancelled: Record<string, never>;
};

export type ReviewOutline = {
  readonly verdict: Verdict;
  readonly score: number;
  readonly issues: number;
};

export type PullRequestEvent = {
  readonly number: number;
  readonly url: string;
  readonly branch: string;
  readonly base: string;
};

export type EventType = keyof EventData;

export type AgentOutput = {
  readonly type: 'thinking' | 'text' | 'tool_use' | 'tool_result' | 'result' | 'error' | 'system';
  readonly content: string;
  readonly agent: string;
  readonly raw?: unknown;
  /** Bytes of the line as the agent wrote it, where the event keeps only a beginning; all of it is a blob. */
  readonly fullBytes?: number;
};

/** An event that is about to be appended. */
export type NewEvent = {
  [Type in EventType]: { readonly type: Type; readonly data: EventData[Type]; readonly blobId?: string };
}[EventType];

/** What a run changed against the task's base, in files and lines. */
export type ChangesSummary = {
  readonly filesModified: number;
  readonly filesCreated: number;
  readonly filesDeleted: number;
  readonly insertions: number;
  readonly deletions: number;
};

/** Some of the files that a run changed, by name, and how many more there are. */
export type ChangedFiles = {
  readonly files: readonly {
    readonly path: string;
    readonly status: 'created' | 'modified' | 'deleted' | 'renamed';
  }[];
  readonly more: number;
};
