/** Every state that a task shows in this API. A cancelled task reads `failed`, with `canceled by user`. */
export type TaskStatus =
  | 'pending'
  | 'cloning'
  | 'running'
  | 'completed'
  | 'reviewing'
  | 'awaiting_instruction'
  | 'creating_pr'
  | 'pr_created'
  | 'failed';

/** How the agent is to work. What is left out takes the server's default. */
export type TaskConfig = {
  /** The agent, by the name of its adapter: `claude-code`, `codex`; `script` runs `command`. */
  readonly cli?: string;
  /** The script agent's command, given to a shell in the workspace. */
  readonly command?: string;
  /** The agent's time limit in seconds: 300 by default; more than the server's maximum is cut to it. */
  readonly timeout_seconds?: number;
  /** The branch to start from. */
  readonly source_branch?: string;
  /** The branch that the work is meant for. */
  readonly target_branch?: string;
  /** Higher goes first among the tasks that wait: -100 to 100. */
  readonly priority?: number;
  /** The agent's model; its own default without it. */
  readonly ai_model?: string;
  /** The key that the model is called with, instead of the server's; never given back. */
  readonly ai_api_key?: string;
  readonly max_turns?: number;
  readonly max_budget_usd?: number;
  /** The agent asks before it does what its tools are not free to do; a person answers. */
  readonly approvals?: 'ask';
  /** Text as it is being written. */
  readonly partial_messages?: boolean;
};

/** What a new task is made of. */
export type TaskInput = {
  readonly repo_url: string;
  /** What to do: at most 102,400 bytes. */
  readonly prompt: string;
  readonly task_type?: string;
  /** `branch`: the work is pushed as soon as it is done; `manual` (the default): a person publishes it. */
  readonly publish?: 'manual' | 'branch';
  /** What git fetches and pushes with. The server keeps it encrypted and never gives it back. */
  readonly access_token?: string;
  readonly config?: TaskConfig;
};

/** The answer to a creation. */
export type CreatedTask = {
  readonly id: string;
  readonly status: TaskStatus;
  readonly created_at: string;
};

/** What the work changed in files; `diff_stats` counts lines, such as `+142 -38`. */
export type ChangesSummary = {
  readonly files_modified: number;
  readonly files_created: number;
  readonly files_deleted: number;
  readonly diff_stats: string;
};

export type Usage = {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly duration_seconds: number;
  readonly cache_read_tokens?: number;
  readonly cache_write_tokens?: number;
  readonly cost_usd?: number;
};

/** Why a task failed, as data: `error` says the same to people. */
export type Failure = {
  readonly code: string;
  /** Where it was: `queue`, `prepare`, `agent`, `collect`, `deliver` or `infrastructure`. */
  readonly phase: string;
  readonly retryable: boolean;
  readonly message: string;
};

/** One row of the list: the prompt is cut to 200 characters, the result left out. */
export type TaskRow = {
  readonly id: string;
  readonly status: TaskStatus;
  readonly task_type: string;
  readonly repo_url: string;
  readonly prompt: string;
  readonly iteration: number;
  readonly error?: string;
  readonly branch?: string;
  readonly pr_url?: string;
  readonly changes_summary?: ChangesSummary | null;
  /** Times are RFC 3339. */
  readonly created_at: string;
  readonly started_at?: string | null;
  readonly finished_at?: string | null;
};

/** One page of the list, newest first; `total` counts all that match. */
export type TaskList = { readonly tasks: readonly TaskRow[]; readonly total: number };

/** A task with everything about it; what is empty is left out. */
export type Task = TaskRow & {
  readonly result?: string;
  readonly config?: TaskConfig;
  readonly publish?: 'manual' | 'branch';
  readonly usage?: Usage | null;
  readonly failure?: Failure | null;
  readonly current_prompt?: string;
  readonly pr_number?: number;
};

export type ListQuery = {
  readonly status?: TaskStatus | undefined;
  /** 1 to 200; 50 by default. */
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
};

/** The answer to a cancellation: it has been asked for; the task ends soon after. */
export type CancelAnswer = { readonly id: string; readonly status: string; readonly message: string };

/** The server's own state: `degraded` when a part of it is down. */
export type Health = {
  readonly status: 'ok' | 'degraded';
  readonly version: string;
  readonly uptime: string;
  /** The event backend's and the store's state, under the names that the API's document gives them. */
  readonly redis: string;
  readonly sqlite: string;
  readonly workspace_disk_usage_mb: number;
};

/** The answer to an instruction: it is the task's iteration of this number. */
export type InstructAnswer = {
  readonly id: string;
  readonly status: TaskStatus;
  readonly iteration: number;
};

/** A question of an agent, which waits for a person's answer until it expires, and is then denied. */
export type Approval = {
  readonly id: string;
  readonly task_id: string;
  /** What the agent wants to use, such as `Bash`. */
  readonly tool: string;
  /** In a line: the command, the file. */
  readonly summary: string;
  /** What the tool would be given, or its beginning. */
  readonly arguments: unknown;
  readonly state: 'waiting' | 'allowed' | 'denied' | 'expired' | 'dropped';
  readonly reason: string;
  readonly expires_at: string;
  readonly created_at: string;
  readonly decided_at: string | null;
};

export type ApprovalList = { readonly approvals: readonly Approval[] };

/** `reason` is told to the agent: up to 1,000 characters. */
export type ApprovalAnswer = { readonly decision: 'allow' | 'deny'; readonly reason?: string | undefined };
