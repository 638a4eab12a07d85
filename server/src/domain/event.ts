import type { Failure } from './failure.ts';

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
  task_completed: {
    readonly result: string;
    readonly changes: ChangesSummary | null;
    readonly durationSeconds: number;
    readonly iteration: number;
  };
  task_failed: { readonly failure: Failure };
  task_cancelled: Record<string, never>;
  task_timeout: { readonly seconds: number };
  run_retried: { readonly attempt: number; readonly failure: Failure };
  run_lost: { readonly attempt: number };
  branch_pushed: { readonly branch: string; readonly commit: string };
  branch_taken: { readonly branch: string; readonly next: string };
  cancel_requested: Record<string, never>;
};

export type EventType = keyof EventData;

export type AgentOutput = {
  readonly type: 'thinking' | 'text' | 'tool_use' | 'tool_result' | 'result' | 'error' | 'system';
  readonly content: string;
  readonly agent: string;
  readonly raw?: unknown;
  /** Bytes of `content` as the agent wrote it, where the event keeps only its beginning; all of it is a blob. */
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
