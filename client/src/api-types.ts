/* oxlint-disable max-lines */
// Generated from docs/openapi.yaml by `npm run gen`: change the schemas of the routes instead.

/** A coding agent of this server. */
export type Agent = {
  /** As `config.cli` names it. */
  readonly name: string;
  /** Where its program is, or empty. */
  readonly binary_path: string;
  /** The model it calls where a task names none, or empty. */
  readonly default_model: string;
  /** Whether its program is there. */
  readonly available: boolean;
  /** Whether a task gets it that names none. */
  readonly is_default: boolean;
};

export type AgentHealth = {
  /** Whether it can be used. */
  readonly status: 'ok' | 'unavailable';
  /** The default agent. */
  readonly cli: string;
  /** Where its program is, or empty. */
  readonly binary: string;
  /** What is missing. */
  readonly message?: string | undefined;
};

export type AgentList = {
  /** All agents. */
  readonly cli: readonly Agent[];
};

/** An API key, without what it opens the server with. */
export type ApiKey = {
  /** By which it is revoked. */
  readonly id: string;
  /** Unique among those of its owner that hold. */
  readonly name: string;
  /** The login of whose tasks it creates and sees. */
  readonly owner: string;
  /** What it may do. */
  readonly abilities: readonly string[];
  /** When it was made. */
  readonly created_at: string;
  /** When it ends by itself; null: never. */
  readonly expires_at: string | null;
  /** The key's last characters. */
  readonly hint: string;
  /** When it was used last, to within a minute; null: never. */
  readonly used_at: string | null;
  /** When it was revoked; null: it was not. */
  readonly revoked_at: string | null;
};

/** A key to make. */
export type ApiKeyInput = {
  /** By which people know the key, unique among those of its owner that hold. */
  readonly name: string;
  /** The login of whose tasks it creates and sees, in any case; somebody new is made an ordinary user. Left out: the caller. */
  readonly owner?: string | undefined;
  /** What it may do; `runs:*` stands for all that begin so. */
  readonly abilities?: readonly ('projects:read' | 'projects:write' | 'runs:start' | 'runs:control' | 'git:commit' | 'git:push' | 'settings:read' | 'settings:write' | 'projects:*' | 'runs:*' | 'git:*' | 'settings:*')[] | undefined;
  /** Left out: it holds until it is revoked. */
  readonly expires_in_days?: number | undefined;
};

export type ApiKeyList = {
  /** All that are stored, the newest first; revoked and expired ones too. */
  readonly api_keys: readonly ApiKey[];
};

/** A question of an agent to a person. */
export type Approval = {
  /** Of the question. */
  readonly id: string;
  /** Whose agent asks. */
  readonly task_id: string;
  /** What the agent wants to use, such as `Bash`. */
  readonly tool: string;
  /** In a line: the command, the file. */
  readonly summary: string;
  /** What the tool would be given, or its beginning. */
  readonly arguments: unknown;
  /** How it stands; `dropped`: the task ended before an answer. */
  readonly state: 'waiting' | 'allowed' | 'denied' | 'expired' | 'dropped';
  /** What came with the answer; may be empty. */
  readonly reason: string;
  /** When no answer becomes a denial. */
  readonly expires_at: string;
  /** When it was asked. */
  readonly created_at: string;
  /** When it was decided. */
  readonly decided_at: string | null;
};

export type ApprovalAnswer = {
  /** The answer. */
  readonly decision: 'allow' | 'deny';
  /** Told to the agent. */
  readonly reason?: string | undefined;
};

export type ApprovalList = {
  /** Oldest first, at most 200. */
  readonly approvals: readonly Approval[];
};

export type CancelAnswer = {
  /** Of the task. */
  readonly id: string;
  /** Always `canceling`, which is no stored state: the task becomes `failed`. */
  readonly status: string;
  /** For people. */
  readonly message: string;
};

export type CancelInput = {
  /** Whether a task that has not started yet is meant too. */
  readonly queued?: boolean | undefined;
};

export type CanceledWorkflowRun = {
  /** Always `canceling`. */
  readonly status: 'canceling';
  /** For people. */
  readonly message: string;
};

export type CanceledWorkflowRuns = {
  /** How many were not over. */
  readonly canceled: number;
  /** For people. */
  readonly message: string;
};

/** What the work changed. */
export type ChangesSummary = {
  /** Files that the work changed. */
  readonly files_modified: number;
  /** Files that the work added. */
  readonly files_created: number;
  /** Files that the work removed. */
  readonly files_deleted: number;
  /** Lines added and removed, such as `+142 -38`. */
  readonly diff_stats: string;
};

/** A refusal. */
export type CodebotError = {
  /** The status's text. */
  readonly error: string;
  /** What is wrong, for people. */
  readonly message: string;
};

/** What a task is made of. */
export type CodebotSubmission = {
  /** The repository, as `repo_url` of the native API. */
  readonly repository_url: string;
  /** What to do, at most 102400 bytes. */
  readonly description: string;
  /** The id of the ticket that asks for it; shown in the pull request. */
  readonly ticket_id?: string | undefined;
  /** The ticket in a few words: the pull request's title, and a part of the branch's name. */
  readonly ticket_summary?: string | undefined;
  /** Run with `sh -c` in the tree when the agent is done; where it fails, the agent is told and goes on. */
  readonly test_command?: string | undefined;
  /** The branch to start from, and to which the pull request goes; else the repository's default branch. */
  readonly base_branch?: string | undefined;
};

export type CodebotSubmitted = {
  /** The task's id. */
  readonly task_id: string;
  /** Always `pending`. */
  readonly status: string;
  /** For people. */
  readonly message: string;
};

export type CreatedApiKey = {
  /** By which it is revoked. */
  readonly id: string;
  /** Unique among those of its owner that hold. */
  readonly name: string;
  /** The login of whose tasks it creates and sees. */
  readonly owner: string;
  /** What it may do. */
  readonly abilities: readonly string[];
  /** When it was made. */
  readonly created_at: string;
  /** When it ends by itself; null: never. */
  readonly expires_at: string | null;
  /** The key itself, shown this once: only its hash is kept. */
  readonly key: string;
};

export type CreatedKey = {
  /** Of the key, unique for its owner. */
  readonly name: string;
  /** What the key is for; `ssh`: a private key for git. */
  readonly provider: 'github' | 'gitlab' | 'sentry' | 'ssh';
  /** For people. */
  readonly message: string;
};

export type CreatedMcpServer = {
  /** Of the server. */
  readonly name: string;
  /** For people. */
  readonly message: string;
};

export type CreatedPullRequest = {
  /** Where people find it. */
  readonly pr_url: string;
  /** Its number in the repository. */
  readonly pr_number: number;
  /** The branch that holds the task's work. */
  readonly branch: string;
};

export type CreatedTask = {
  /** Of the task. */
  readonly id: string;
  readonly status: TaskStatus;
  /** When it was taken. */
  readonly created_at: string;
};

export type CreatedTool = {
  /** Of the tool, unique. */
  readonly name: string;
  /** For people. */
  readonly message: string;
};

export type CreatedWorkflow = {
  /** Of the workflow, unique for its owner. */
  readonly name: string;
  /** For people. */
  readonly message: string;
};

export type DeletedKey = {
  /** For people. */
  readonly message: string;
};

export type DeletedMcpServer = {
  /** For people. */
  readonly message: string;
};

export type DeletedTool = {
  /** For people. */
  readonly message: string;
};

export type DeletedWorkflow = {
  /** For people. */
  readonly message: string;
};

export type DeletedWorkspace = {
  /** For people. */
  readonly message: string;
};

/** A callback with its body and attempts. */
export type Delivery = {
  /** The same at every attempt: the header `webhook-id`. */
  readonly id: string;
  /** Whose end is told. */
  readonly task_id: string;
  /** What is told. */
  readonly event: 'task.completed' | 'task.failed';
  /** Where it goes, without the query, which may hold a secret. */
  readonly url: string;
  /** How it stands. */
  readonly status: 'pending' | 'delivered' | 'failed';
  /** How many have come to an end since it was asked for, or asked for again. */
  readonly attempts: number;
  /** The status that the receiver answered last, where it did. */
  readonly last_status: number | null;
  /** Why the last attempt failed, where it did. */
  readonly last_error: string | null;
  /** When the task ended. */
  readonly created_at: string;
  /** When it was taken. */
  readonly delivered_at: string | null;
  /** When it is due, while it waits. */
  readonly next_attempt_at: string | null;
  /** What is sent, byte for byte: JSON. */
  readonly body: string;
  /** The newest 20 attempts, oldest first. */
  readonly log: readonly DeliveryAttempt[];
};

export type DeliveryAttempt = {
  /** When it began. */
  readonly at: string;
  /** The receiver's answer. */
  readonly status: number | null;
  /** Why it failed. */
  readonly error: string | null;
  /** How long it took. */
  readonly duration_ms: number;
};

export type DeliveryList = {
  /** Newest first. */
  readonly deliveries: readonly DeliveryRow[];
  /** How many match, on all pages. */
  readonly total: number;
};

/** A callback that was sent or is to be sent. */
export type DeliveryRow = {
  /** The same at every attempt: the header `webhook-id`. */
  readonly id: string;
  /** Whose end is told. */
  readonly task_id: string;
  /** What is told. */
  readonly event: 'task.completed' | 'task.failed';
  /** Where it goes, without the query, which may hold a secret. */
  readonly url: string;
  /** How it stands. */
  readonly status: 'pending' | 'delivered' | 'failed';
  /** How many have come to an end since it was asked for, or asked for again. */
  readonly attempts: number;
  /** The status that the receiver answered last, where it did. */
  readonly last_status: number | null;
  /** Why the last attempt failed, where it did. */
  readonly last_error: string | null;
  /** When the task ended. */
  readonly created_at: string;
  /** When it was taken. */
  readonly delivered_at: string | null;
  /** When it is due, while it waits. */
  readonly next_attempt_at: string | null;
};

/** A refusal. */
export type ErrorBody = {
  /** The status's text, but `unauthorized` with 401 and `rate_limit_exceeded` with 429. */
  readonly error: string;
  /** What is wrong, for people. */
  readonly message: string;
  /** What is wrong with which field; one in a list by its way there: `tools[0].name`. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
};

/** Why a task failed, as data: `error` says the same to people. */
export type Failure = {
  /** What went wrong, such as `push_rejected`. */
  readonly code: string;
  /** Where it went wrong. */
  readonly phase: 'queue' | 'prepare' | 'agent' | 'collect' | 'deliver' | 'infrastructure';
  /** Whether the same again may succeed. */
  readonly retryable: boolean;
  /** For people. */
  readonly message: string;
};

export type Health = {
  /** Whether all parts are up. */
  readonly status: 'ok' | 'degraded';
  /** The queue and its events, which PostgreSQL keeps. */
  readonly redis: 'connected' | 'disconnected';
  /** The store, which is PostgreSQL. */
  readonly sqlite: 'connected' | 'disconnected';
  /** The server's version. */
  readonly version: string;
  /** Since its start, such as `5m30s`. */
  readonly uptime: string;
  /** What the workspaces of all hosts take, each as measured after its last run. */
  readonly workspace_disk_usage_mb: number;
  /** New tasks that wait for a worker. */
  readonly task_queue_size: number;
  /** Reviews and follow-ups that wait for a worker, in queues of their own. */
  readonly review_queue_size: number;
};

export type InstructAnswer = {
  /** Of the task. */
  readonly id: string;
  readonly status: TaskStatus;
  /** The number of the instruction. */
  readonly iteration: number;
};

export type Instruction = {
  /** What to do next, at most 102400 bytes. */
  readonly prompt: string;
};

export type InvalidKey = {
  /** Of the key, unique for its owner. */
  readonly name: string;
  /** What the key is for; `ssh`: a private key for git. */
  readonly provider: 'github' | 'gitlab' | 'sentry' | 'ssh';
  /** False. */
  readonly valid: false;
  /** What is wrong with the token. */
  readonly error: string;
};

/** One instruction and what became of it. */
export type Iteration = {
  /** From 1. */
  readonly number: number;
  /** The instruction. */
  readonly prompt: string;
  /** The first 2,000 characters of the agent's last word. */
  readonly result?: string | undefined;
  /** Why it failed. */
  readonly error?: string | undefined;
  /** The version of the agent's program. */
  readonly cli_version?: string | undefined;
  readonly status: TaskStatus;
  readonly changes?: ChangesSummary | undefined;
  readonly usage?: Usage | undefined;
  /** When it began. */
  readonly started_at: string | null;
  /** When it ended. */
  readonly ended_at: string | null;
};

/** A stored key, without its token. */
export type Key = {
  /** Of the key, unique for its owner. */
  readonly name: string;
  /** What the key is for; `ssh`: a private key for git. */
  readonly provider: 'github' | 'gitlab' | 'sentry' | 'ssh';
  /** What alone it may be used for; empty: no limit. */
  readonly scope: string;
  /** When it was registered. */
  readonly created_at: string;
};

/** A key to keep. */
export type KeyInput = {
  /** By which tasks name the key, unique for its owner; not `catalog`. */
  readonly name: string;
  /** What the key is for; `ssh`: a private key for git. */
  readonly provider: 'github' | 'gitlab' | 'sentry' | 'ssh';
  /** The token, or the private key with its first and last line. Kept encrypted, never returned. */
  readonly token: string;
  /** What alone the key may be used for: an owner or `owner/repo`; of GitLab a group, with sub-groups, or a project; of Sentry an organization or `organization/project`, by their slugs; of ssh a host or `host/path`. Empty: no limit. */
  readonly scope?: string | undefined;
};

export type KeyList = {
  /** All keys of the caller's, by name. */
  readonly keys: readonly Key[];
};

/** A registered server, without what is secret. */
export type McpServer = {
  /** Of the server. */
  readonly name: string;
  /** `stdio`: a program in the sandbox. `http`: a server elsewhere. */
  readonly transport: 'stdio' | 'http';
  /** A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program. */
  readonly package?: string | undefined;
  /** What runs the package, such as `npx`, `uvx` or `docker`. */
  readonly command?: string | undefined;
  /** Arguments behind the package. */
  readonly args?: readonly string[] | undefined;
  /** Variables of its environment. Values are masked as `***`. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Its address; values of its query are masked. */
  readonly url?: string | undefined;
  /** Headers of requests to it. Values are masked as `***`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** When it was registered. */
  readonly created_at: string;
};

/** A server to register. For `stdio` it needs a package. */
export type McpServerInput = {
  /** By which the agent knows the server; not `catalog`. */
  readonly name: string;
  /** `stdio`: a program in the sandbox. `http`: a server elsewhere. */
  readonly transport?: 'stdio' | 'http' | undefined;
  /** A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program. */
  readonly package?: string | undefined;
  /** What runs the package, such as `npx`, `uvx` or `docker`. Left out: `npx`, or the package itself where it is a path. */
  readonly command?: string | undefined;
  /** Arguments behind the package. */
  readonly args?: readonly string[] | undefined;
  /** Variables of its environment, kept encrypted. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Its address, required for `http`; without user name and password. */
  readonly url?: string | undefined;
  /** Headers of requests to it, kept encrypted. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The one repository whose tasks get the server; left out: the tasks of all. */
  readonly repo_url?: string | undefined;
};

export type McpServerList = {
  /** By name. */
  readonly servers: readonly McpServer[];
};

export type NotReady = {
  /** Always `not_ready`. */
  readonly status: string;
  /** The status's text. */
  readonly error: string;
  /** Why. */
  readonly message: string;
};

export type PostReviewInput = {
  /** The pull request (merge request). Without it: the task's `config.pr_number`, else the one that the task opened. */
  readonly pr_number?: number | undefined;
};

export type PostedReview = {
  /** Where people find it. */
  readonly review_url: string;
  /** How many findings stand on lines. */
  readonly comments_posted: number;
  /** Of the pull request. */
  readonly pr_number: number;
};

export type PullRequestInput = {
  /** The title. Without one: the server's template, else the prompt's first 60 characters. */
  readonly title?: string | undefined;
  /** The text, in Markdown. Without one: the server's template. */
  readonly description?: string | undefined;
  /** The branch to merge into. Without one: the task's `config.target_branch`, else the repository's default branch. */
  readonly target_branch?: string | undefined;
  /** Open it as a draft. */
  readonly draft?: boolean | undefined;
  /** Labels, beside the server's own. */
  readonly labels?: readonly string[] | undefined;
};

export type Ready = {
  /** Always `ready`. */
  readonly status: string;
};

export type RedeliverAnswer = {
  /** Of the delivery; it stays the same. */
  readonly id: string;
  /** Always `pending`. */
  readonly status: 'pending' | 'delivered' | 'failed';
};

export type RedeliverWebhookAnswer = {
  /** Of the webhook; it stays the same. */
  readonly id: string;
  /** Always `waiting`. */
  readonly status: 'waiting';
};

export type Repository = {
  /** The last part of its path. */
  readonly name: string;
  /** With its owner. */
  readonly full_name: string;
  /** For `repo_url` of a task. */
  readonly clone_url: string;
  /** Empty: nothing was pushed yet. */
  readonly default_branch: string;
  /** Whether it is hidden from the public. */
  readonly private: boolean;
  /** May be empty. */
  readonly description: string;
  /** When it changed last. */
  readonly updated_at: string;
};

export type RepositoryList = {
  /** The one that changed last first. */
  readonly repositories: readonly Repository[];
  /** How many this page has. */
  readonly count: number;
  /** Whose they are. */
  readonly provider: 'github' | 'gitlab';
  /** This page. */
  readonly page: number;
  /** How many a page has at most. */
  readonly per_page: number;
};

export type ReviewAnswer = {
  /** Of the task. */
  readonly id: string;
  /** What the task is at. */
  readonly status: 'reviewing';
};

export type ReviewInput = {
  /** The agent that reviews: `claude-code`, `codex` or `script`; else the server's for reviews. */
  readonly cli?: string | undefined;
  /** The agent's model; else the operator's choice, else the agent's own. */
  readonly model?: string | undefined;
};

/** A finding. */
export type ReviewIssue = {
  /** How much it matters. */
  readonly severity: 'critical' | 'major' | 'minor' | 'suggestion';
  /** From the repository's root; empty where it is about no file. */
  readonly file: string;
  /** In the file as it is after the change; 0: unknown. */
  readonly line: number;
  /** What is wrong. */
  readonly description: string;
  /** How to mend it, or empty. */
  readonly suggestion: string;
};

/** What a review came to. */
export type ReviewResult = {
  /** What the review says of the whole. */
  readonly verdict: 'approve' | 'request_changes' | 'comment';
  /** 1 to 10; 0: the agent gave none. */
  readonly score: number;
  /** For people. */
  readonly summary: string;
  /** What was found. */
  readonly issues: readonly ReviewIssue[];
  /** Whether an agent could mend what was found. */
  readonly auto_fixable: boolean;
  /** The agent and its model: `claude-code:claude-sonnet-4-20250514`. */
  readonly reviewed_by: string;
  /** How long it took. */
  readonly duration_seconds: number;
};

export type RevokedApiKey = {
  /** For people. */
  readonly message: string;
};

export type RunWorkflowInput = {
  /** Values for the workflow's parameters, by their names. */
  readonly params?: Readonly<Record<string, string | number | boolean>> | undefined;
};

export type SentryIssueList = {
  /** As Sentry gives them. */
  readonly issues: readonly (Readonly<Record<string, unknown>>)[];
};

export type SentryOrganizationList = {
  /** As Sentry gives them. */
  readonly organizations: readonly (Readonly<Record<string, unknown>>)[];
};

export type SentryProjectList = {
  /** As Sentry gives them. */
  readonly projects: readonly (Readonly<Record<string, unknown>>)[];
};

export type ServerInfo = {
  /** Always `Slipway`. */
  readonly name: string;
  /** The server's version. */
  readonly version: string;
  /** Where to go from here. */
  readonly links: {
    readonly api: string;
    readonly docs: string;
    readonly health: string;
    readonly metrics: string;
    readonly ready: string;
  };
};

export type StartedWorkflowRun = {
  /** Of the run. */
  readonly run_id: string;
  /** The workflow that is run. */
  readonly workflow_name: string;
  readonly status: WorkflowRunStatus;
  /** When it was started. */
  readonly created_at: string;
};

/** A task with everything about it; what is empty is left out. */
export type Task = {
  /** Of the task. */
  readonly id: string;
  readonly status: TaskStatus;
  /** The kind of task. */
  readonly task_type: string;
  /** The repository. */
  readonly repo_url: string;
  /** What to do. */
  readonly prompt: string;
  /** What becomes of finished work. */
  readonly publish: 'manual' | 'branch' | 'pull_request';
  /** The stored key that opens the repository. */
  readonly provider_key?: string | undefined;
  /** Where the end of the task is told to. */
  readonly callback_url?: string | undefined;
  /** The agent's last word. */
  readonly result?: string | undefined;
  /** Why it failed. */
  readonly error?: string | undefined;
  readonly failure?: Failure | undefined;
  readonly config: TaskSettings;
  readonly changes_summary?: ChangesSummary | undefined;
  readonly usage?: Usage | undefined;
  readonly tests?: Tests | undefined;
  readonly review_result?: ReviewResult | undefined;
  /** The number of the newest instruction. */
  readonly iteration: number;
  /** The newest instruction, where it is not the first. */
  readonly current_prompt?: string | undefined;
  /** With `include=iterations`. */
  readonly iterations?: readonly Iteration[] | undefined;
  /** Where the work was pushed, or is being pushed. */
  readonly branch?: string | undefined;
  /** The number of its pull request. */
  readonly pr_number?: number | undefined;
  /** The address of its pull request. */
  readonly pr_url?: string | undefined;
  /** The workflow run whose step it is. */
  readonly workflow_run_id?: string | undefined;
  /** 32 hexadecimal digits. */
  readonly trace_id: string;
  /** When it was taken. */
  readonly created_at: string;
  /** When its first preparation began. */
  readonly started_at?: string | undefined;
  /** When it came to rest. */
  readonly finished_at?: string | undefined;
};

/** How the agent is to work. What is left out takes its default. */
export type TaskConfig = {
  /** The agent's time in seconds; more than the server's maximum is cut to it. */
  readonly timeout_seconds?: number | undefined;
  /** The agent: `claude-code`, `codex` or `script`; else the server's default. */
  readonly cli?: string | undefined;
  /** What the agent `script` runs with `sh -c` in the tree; required for it. */
  readonly command?: string | undefined;
  /** Of a `code` task: what is run with `sh -c` in the tree when the agent is done. Where it fails, the agent is told and goes on, once unless the operator says otherwise; what came of it then stands at the task and in its pull request. */
  readonly test_command?: string | undefined;
  /** The branch to start from; else `target_branch`, else the repository's default branch. */
  readonly source_branch?: string | undefined;
  /** The branch that the work is meant for. */
  readonly target_branch?: string | undefined;
  /** Higher goes first among the tasks that wait. */
  readonly priority?: number | undefined;
  /** The agent's model; else the operator's choice, else the agent's own. */
  readonly ai_model?: string | undefined;
  /** The key that the model is called with, instead of the server's. Kept encrypted, added outside the sandbox, never returned. */
  readonly ai_api_key?: string | undefined;
  /** How often the agent may call its model; 0 leaves it open. */
  readonly max_turns?: number | undefined;
  /** What the agent may spend, in US dollars; 0 leaves it open. */
  readonly max_budget_usd?: number | undefined;
  /** With `ask`, what the agent is not free to do becomes a question to a person. */
  readonly approvals?: 'ask' | undefined;
  /** Whether the agent's text is streamed while it is being written. */
  readonly partial_messages?: boolean | undefined;
  /** Whether the pull request is opened as a draft. */
  readonly draft?: boolean | undefined;
  /** Labels of the pull request, beside the server's own. */
  readonly labels?: readonly string[] | undefined;
  /** The pull request (merge request) that a `pr_review` task is about, which needs it; of other tasks, the one that their review is posted to. */
  readonly pr_number?: number | undefined;
  /** Of a `pr_review` task: `post_comments` posts the review to the pull request when it is there; `api_only` keeps it. */
  readonly output_mode?: 'post_comments' | 'api_only' | undefined;
  /** A task of yours, in the same repository, in whose workspace this one goes on; where that is gone, it gets one of its own. */
  readonly workspace_task_id?: string | undefined;
  /** MCP servers for this task, in the place of the server's own of the same name. The agent `script` gets none. */
  readonly mcp_servers?: readonly TaskMcpServerInput[] | undefined;
  /** Tools by name, with their settings; each is an MCP server of its name. */
  readonly tools?: readonly TaskToolInput[] | undefined;
};

export type TaskError = {
  /** What went wrong, in a word. */
  readonly code: string;
  /** As `error`. */
  readonly message: string;
  /** How far the task was. */
  readonly stage: 'queue' | 'prepare' | 'agent' | 'collect' | 'pr' | 'infrastructure';
};

/** What a new task is made of. */
export type TaskInput = {
  /** The repository: `https://`, without user name, token, query or fragment; `http://`, `file://` and ssh (`ssh://` or `user@host:path`) where the operator allows them. */
  readonly repo_url: string;
  /** What to do, at most 102400 bytes. */
  readonly prompt: string;
  /** The kind of task. `plan` and `review` read the repository, `pr_review` a pull request; they change nothing. */
  readonly task_type?: 'code' | 'plan' | 'review' | 'pr_review' | undefined;
  /** The name of a stored key that opens the repository. */
  readonly provider_key?: string | undefined;
  /** A token for the repository, for this task alone. Kept encrypted, never returned. */
  readonly access_token?: string | undefined;
  /** Where the end of each iteration is told to, with a POST: http or https, without user name or password, and on the public internet unless the operator lists its host. */
  readonly callback_url?: string | undefined;
  /** What becomes of finished work: kept until a person publishes it, pushed as a branch, or also proposed as a pull request. */
  readonly publish?: 'manual' | 'branch' | 'pull_request' | undefined;
  readonly config?: TaskConfig | undefined;
};

export type TaskList = {
  /** Newest first. */
  readonly tasks: readonly TaskRow[];
  /** How many match, on all pages. */
  readonly total: number;
};

export type TaskMcpServer = {
  /** Of the server. */
  readonly name: string;
  /** `stdio`: a program in the sandbox. `http`: a server elsewhere. */
  readonly transport: 'stdio' | 'http';
  /** A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program. */
  readonly package?: string | undefined;
  /** What runs the package, such as `npx`, `uvx` or `docker`. */
  readonly command?: string | undefined;
  /** Arguments behind the package. */
  readonly args?: readonly string[] | undefined;
  /** Variables of its environment. Values are masked as `***`. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Its address; values of its query are masked. */
  readonly url?: string | undefined;
  /** Headers of requests to it. Values are masked as `***`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

/** A server of the task's own: for `stdio` a package, a command, or both. */
export type TaskMcpServerInput = {
  /** By which the agent knows the server; not `catalog`. */
  readonly name: string;
  /** `stdio`: a program in the sandbox. `http`: a server elsewhere. */
  readonly transport?: 'stdio' | 'http' | undefined;
  /** A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program. */
  readonly package?: string | undefined;
  /** What runs the package, such as `npx`, `uvx` or `docker`. Left out: `npx`, or the package itself where it is a path. */
  readonly command?: string | undefined;
  /** Arguments behind the package. */
  readonly args?: readonly string[] | undefined;
  /** Variables of its environment, kept encrypted. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Its address, required for `http`; without user name and password. */
  readonly url?: string | undefined;
  /** Headers of requests to it, kept encrypted. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

/** A task in a list. */
export type TaskOverview = {
  /** The task's id. */
  readonly task_id: string;
  /** As `task_id`. */
  readonly id: string;
  /** Where the task is. */
  readonly status: 'pending' | 'running' | 'completed' | 'failed';
  /** When it was submitted. */
  readonly submitted_at: string;
  /** As `submitted_at`. */
  readonly queuedAt: string;
  /** When a worker took it. */
  readonly started_at: string | null;
  /** As `started_at`. */
  readonly startedAt: string | null;
  /** When it ended, one way or the other. */
  readonly completed_at: string | null;
  /** As `completed_at`. */
  readonly completedAt: string | null;
  /** The repository. */
  readonly repository_url: string;
  /** The first part of the repository's path: a user, or groups. */
  readonly repoOwner: string;
  /** The last part of it. */
  readonly repoName: string;
  readonly result?: TaskResult | undefined;
  /** Why it failed, where it did. */
  readonly error?: string | undefined;
  /** The same in parts; null: it has not failed. */
  readonly errorDetail: TaskError | null;
  /** The issue that it came from; null: from none. */
  readonly issueNumber: number | null;
  /** That issue's title. */
  readonly issueTitle: string | null;
  /** The agent that works on it. */
  readonly agent: string;
  /** How it stands among the tasks that wait. */
  readonly priority: 'low' | 'normal' | 'high';
  /** How far it is, in per cent, by its state. */
  readonly progress: number;
  /** Its pull request. */
  readonly prUrl: string | null;
  /** Its pull request's number. */
  readonly prNumber: number | null;
  /** Its branch, once it is pushed. */
  readonly branch: string | null;
  /** What it was asked for: 100 characters of it, and `...`. */
  readonly description: string;
  /** The beginning of what the agent answered. */
  readonly summary: string | null;
};

export type TaskOverviewList = {
  /** Newest first. */
  readonly tasks: readonly TaskOverview[];
  /** How many are in this answer. */
  readonly count: number;
};

/** What a completed task has. */
export type TaskResult = {
  /** The pull request; null: the repository lies on no forge that has them. */
  readonly pr_url: string | null;
  /** The branch that was pushed. */
  readonly branch_name: string | null;
  /** The tree on the worker's disk; null: it lies there no more. */
  readonly work_dir: string | null;
};

/** A task in a list. */
export type TaskRow = {
  /** Of the task. */
  readonly id: string;
  readonly status: TaskStatus;
  /** The kind of task. */
  readonly task_type: string;
  /** The repository. */
  readonly repo_url: string;
  /** Its first 200 characters. */
  readonly prompt: string;
  /** The number of the newest instruction. */
  readonly iteration: number;
  /** Why it failed, or empty. */
  readonly error: string;
  /** Where the work was pushed, or empty. */
  readonly branch: string;
  /** The address of its pull request, or empty. */
  readonly pr_url: string;
  readonly changes_summary: ChangesSummary | null;
  /** When it was taken. */
  readonly created_at: string;
  /** When its first preparation began. */
  readonly started_at: string | null;
  /** When it came to rest. */
  readonly finished_at: string | null;
};

/** How the agent works. */
export type TaskSettings = {
  /** The agent's time. */
  readonly timeout_seconds: number;
  /** The agent. */
  readonly cli: string;
  /** What the agent `script` runs. */
  readonly command?: string | undefined;
  /** What is run when the agent is done. */
  readonly test_command?: string | undefined;
  /** The branch to start from. */
  readonly source_branch?: string | undefined;
  /** The branch that the work is meant for. */
  readonly target_branch?: string | undefined;
  /** The agent's model. */
  readonly ai_model?: string | undefined;
  /** How often the agent may call its model. */
  readonly max_turns?: number | undefined;
  /** What the agent may spend. */
  readonly max_budget_usd?: number | undefined;
  /** `ask`: the agent asks people. */
  readonly approvals?: string | undefined;
  /** Whether the agent's text is streamed while it is being written. */
  readonly partial_messages?: boolean | undefined;
  /** Whether the pull request is opened as a draft. */
  readonly draft?: boolean | undefined;
  /** Labels of the pull request. */
  readonly labels?: readonly string[] | undefined;
  /** The pull request that is reviewed. */
  readonly pr_number?: number | undefined;
  /** `post_comments`: the review is posted to the pull request. */
  readonly output_mode?: string | undefined;
  /** The task in whose workspace this one works. */
  readonly workspace_task_id?: string | undefined;
  /** The task's own MCP servers. */
  readonly mcp_servers?: readonly TaskMcpServer[] | undefined;
  /** The tools that it asked for. */
  readonly tools?: readonly TaskTool[] | undefined;
};

/** What a task is at. A cancelled one is `failed`, with `canceled by user`. */
export type TaskStatus = 'pending' | 'cloning' | 'running' | 'completed' | 'reviewing' | 'awaiting_instruction' | 'creating_pr' | 'pr_created' | 'failed';

export type TaskTool = {
  /** Of the tool, unique. */
  readonly name: string;
  /** Its settings; values of those that are sensitive are masked as `***`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
};

/** A tool that the agent is given. */
export type TaskToolInput = {
  /** Of a built-in or a registered tool. */
  readonly name: string;
  /** Texts, numbers and truth values by the name of the tool's setting. Kept encrypted. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
};

export type TaskTypeList = {
  /** All kinds. */
  readonly task_types: readonly {
    /** As it is submitted. */
    readonly name: string;
    /** As people read it. */
    readonly label: string;
    /** What such a task does. */
    readonly description: string;
  }[];
};

/** What came of the test command last. */
export type Tests = {
  /** The command. */
  readonly command: string;
  /** Whether it ended with 0, within its time. */
  readonly passed: boolean;
  /** What it ended with; null where it was ended. */
  readonly exit_code: number | null;
  /** Why it did not pass, for people; empty where it did. */
  readonly reason: string;
  /** The end of what it printed: at most 4,000 characters. */
  readonly output: string;
  /** How long it ran. */
  readonly duration_seconds: number;
};

/** A tool that tasks can ask for. */
export type Tool = {
  /** Of the tool, unique. */
  readonly name: string;
  /** `mcp` or `custom`; both are MCP servers. */
  readonly type: 'mcp' | 'custom';
  /** For people; may be empty. */
  readonly description: string;
  /** For people. */
  readonly version?: string | undefined;
  /** `stdio`: a program in the sandbox. `http`: a server elsewhere. */
  readonly mcp_transport: 'stdio' | 'http';
  /** A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program. */
  readonly mcp_package?: string | undefined;
  /** What runs the package, such as `npx`, `uvx` or `docker`. */
  readonly mcp_command?: string | undefined;
  /** Arguments behind the package. */
  readonly mcp_args: readonly string[];
  /** The server's address, for `http`. */
  readonly mcp_url?: string | undefined;
  /** What has to be given. */
  readonly required_config: readonly ToolSetting[];
  /** What may be given. */
  readonly optional_config: readonly ToolSetting[];
  /** What it is good for. */
  readonly capabilities: readonly string[];
  /** Whether it is one of the catalog; those stay. */
  readonly builtin: boolean;
  /** When it was registered. */
  readonly created_at: string;
};

/** A tool to register. */
export type ToolInput = {
  /** By which tasks ask for the tool, unique; not `catalog`. */
  readonly name: string;
  /** `mcp` or `custom`; both are MCP servers. */
  readonly type?: 'mcp' | 'custom' | undefined;
  /** For people. */
  readonly description?: string | undefined;
  /** For people. */
  readonly version?: string | undefined;
  /** `stdio`: a program in the sandbox. `http`: a server elsewhere. Left out: `stdio`, or `http` where there is an address and no package. */
  readonly mcp_transport?: 'stdio' | 'http' | undefined;
  /** A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program. Required for `stdio`. */
  readonly mcp_package?: string | undefined;
  /** What runs the package, such as `npx`, `uvx` or `docker`. */
  readonly mcp_command?: string | undefined;
  /** Arguments behind the package. */
  readonly mcp_args?: readonly string[] | undefined;
  /** The server's address, for `http`. */
  readonly mcp_url?: string | undefined;
  /** What every task that asks for the tool has to give. */
  readonly required_config?: readonly ToolSettingInput[] | undefined;
  /** What it may give. */
  readonly optional_config?: readonly ToolSettingInput[] | undefined;
  /** What the tool is good for, in words for people. */
  readonly capabilities?: readonly string[] | undefined;
};

export type ToolList = {
  /** Built-in ones first, then by name. */
  readonly tools: readonly Tool[];
};

/** A value that whoever asks for the tool gives. */
export type ToolSetting = {
  /** By which tasks give the value. */
  readonly name: string;
  /** For people; may be empty. */
  readonly description: string;
  /** What a value is. */
  readonly type: 'string' | 'url' | 'int' | 'bool' | 'secret';
  /** The variable of the server's environment that it becomes, for `stdio`. */
  readonly env_var?: string | undefined;
  /** The header of its requests that it becomes, for `http`; `Authorization` gets `Bearer ` in front. */
  readonly header?: string | undefined;
  /** Whether values are masked where they are shown. */
  readonly sensitive: boolean;
};

/** A value that whoever asks for the tool gives. */
export type ToolSettingInput = {
  /** By which tasks give the value. */
  readonly name: string;
  /** For people. */
  readonly description?: string | undefined;
  /** What a value is. */
  readonly type?: 'string' | 'url' | 'int' | 'bool' | 'secret' | undefined;
  /** The variable of the server's environment, for `stdio`; else the name in capitals. */
  readonly env_var?: string | undefined;
  /** The header of its requests, for `http`; `Authorization` for the one secret, other settings need it. */
  readonly header?: string | undefined;
  /** Whether values are masked where they are shown; secrets always are. */
  readonly sensitive?: boolean | undefined;
};

/** What the agent used. */
export type Usage = {
  /** Tokens that the model read. */
  readonly input_tokens: number;
  /** Tokens that the model wrote. */
  readonly output_tokens: number;
  /** The agent's time. */
  readonly duration_seconds: number;
  /** Tokens read from the model's cache. */
  readonly cache_read_tokens?: number | undefined;
  /** Tokens written to the model's cache. */
  readonly cache_write_tokens?: number | undefined;
  /** What it cost, by the agent's own account. */
  readonly cost_usd?: number | undefined;
};

export type ValidKey = {
  /** Of the key, unique for its owner. */
  readonly name: string;
  /** What the key is for; `ssh`: a private key for git. */
  readonly provider: 'github' | 'gitlab' | 'sentry' | 'ssh';
  /** True. */
  readonly valid: true;
  /** The token's user; empty where the provider does not tell. */
  readonly username: string;
  /** The user's address; may be empty. */
  readonly email: string;
  /** What the token may do, in the words of the provider, separated by commas; may be empty. */
  readonly scopes: string;
  /** Empty. */
  readonly error: string;
};

export type Verified = {
  /** Always `authenticated`. */
  readonly status: string;
};

/** A webhook that came in, with what is kept of it. */
export type Webhook = {
  /** Ours. */
  readonly id: string;
  /** Who sent it. */
  readonly source: 'github' | 'gitlab';
  /** The sender's id; one of ours where it gave none. */
  readonly delivery_id: string;
  /** The event, in the sender's words. */
  readonly event: string;
  /** What happened, where the event has actions. */
  readonly action: string | null;
  /** What came of it; `waiting`: it is not dealt with yet. */
  readonly status: 'waiting' | 'created' | 'deduplicated' | 'skipped' | 'ignored' | 'refused';
  /** Why. */
  readonly reason: string | null;
  /** Its review task, or that of the one that stands for it. */
  readonly task_id: string | null;
  /** The repository, where it is about a pull request. */
  readonly repo_url: string | null;
  /** The pull request or merge request. */
  readonly pr_number: number | null;
  /** The commit to be reviewed. */
  readonly head_sha: string | null;
  /** When it came. */
  readonly received_at: string;
  /** When it was dealt with. */
  readonly settled_at: string | null;
  /** The pull request's title: a stranger's text. */
  readonly title: string | null;
  /** Where the work is, perhaps in a fork. */
  readonly source_branch: string | null;
  /** Where it is to go. */
  readonly target_branch: string | null;
  /** Whether it is a draft. */
  readonly draft: boolean | null;
  /** From 1; rises with each redelivery. */
  readonly round: number;
  /** Later tries of this round. */
  readonly attempts: number;
  /** When it is tried again, while it waits. */
  readonly next_attempt_at: string | null;
  /** How long the body was; it is not kept. */
  readonly body_bytes: number;
  /** Its digest, in hexadecimal. */
  readonly body_sha256: string;
};

/** A review task was made. */
export type WebhookCreated = {
  /** Always `created`. */
  readonly status: 'created';
  /** The review task. */
  readonly task_id: string;
};

export type WebhookList = {
  /** Newest first. */
  readonly webhooks: readonly WebhookRow[];
  /** How many match, on all pages. */
  readonly total: number;
};

/** A webhook that came in. */
export type WebhookRow = {
  /** Ours. */
  readonly id: string;
  /** Who sent it. */
  readonly source: 'github' | 'gitlab';
  /** The sender's id; one of ours where it gave none. */
  readonly delivery_id: string;
  /** The event, in the sender's words. */
  readonly event: string;
  /** What happened, where the event has actions. */
  readonly action: string | null;
  /** What came of it; `waiting`: it is not dealt with yet. */
  readonly status: 'waiting' | 'created' | 'deduplicated' | 'skipped' | 'ignored' | 'refused';
  /** Why. */
  readonly reason: string | null;
  /** Its review task, or that of the one that stands for it. */
  readonly task_id: string | null;
  /** The repository, where it is about a pull request. */
  readonly repo_url: string | null;
  /** The pull request or merge request. */
  readonly pr_number: number | null;
  /** The commit to be reviewed. */
  readonly head_sha: string | null;
  /** When it came. */
  readonly received_at: string;
  /** When it was dealt with. */
  readonly settled_at: string | null;
};

/** Nothing is to be done. */
export type WebhookTaken = {
  /** What came of it. */
  readonly status: 'deduplicated' | 'skipped' | 'ignored';
  /** Why. */
  readonly reason?: string | undefined;
  /** The task of the webhook that stands for this one. */
  readonly task_id?: string | undefined;
};

/** A task. */
export type WholeTaskOverview = {
  /** The task's id. */
  readonly task_id: string;
  /** As `task_id`. */
  readonly id: string;
  /** Where the task is. */
  readonly status: 'pending' | 'running' | 'completed' | 'failed';
  /** When it was submitted. */
  readonly submitted_at: string;
  /** As `submitted_at`. */
  readonly queuedAt: string;
  /** When a worker took it. */
  readonly started_at: string | null;
  /** As `started_at`. */
  readonly startedAt: string | null;
  /** When it ended, one way or the other. */
  readonly completed_at: string | null;
  /** As `completed_at`. */
  readonly completedAt: string | null;
  /** The repository. */
  readonly repository_url: string;
  /** The first part of the repository's path: a user, or groups. */
  readonly repoOwner: string;
  /** The last part of it. */
  readonly repoName: string;
  readonly result?: TaskResult | undefined;
  /** Why it failed, where it did. */
  readonly error?: string | undefined;
  /** The same in parts; null: it has not failed. */
  readonly errorDetail: TaskError | null;
  /** The issue that it came from; null: from none. */
  readonly issueNumber: number | null;
  /** That issue's title. */
  readonly issueTitle: string | null;
  /** The agent that works on it. */
  readonly agent: string;
  /** How it stands among the tasks that wait. */
  readonly priority: 'low' | 'normal' | 'high';
  /** How far it is, in per cent, by its state. */
  readonly progress: number;
  /** Its pull request. */
  readonly prUrl: string | null;
  /** Its pull request's number. */
  readonly prNumber: number | null;
  /** Its branch, once it is pushed. */
  readonly branch: string | null;
  /** What it was asked for. */
  readonly description: string;
  /** What the agent answered. */
  readonly summary: string | null;
  /** What came of its test command; null: it has none, or has not run it. */
  readonly tests: Tests | null;
  /** The newest of what happened to it, oldest first. */
  readonly logs: readonly {
    /** When. */
    readonly timestamp: string;
    /** `error`: something went wrong. */
    readonly level: 'info' | 'error';
    /** What happened. */
    readonly message: string;
  }[];
};

/** A workflow, whole. */
export type Workflow = {
  /** Of the workflow, unique for its owner. */
  readonly name: string;
  /** For people; may be empty. */
  readonly description: string;
  /** Whether it came with the server: then it cannot be deleted. */
  readonly builtin: boolean;
  /** When it was created; not there for a built-in one. */
  readonly created_at?: string | undefined;
  /** Secret values in their settings are masked. */
  readonly steps: readonly WorkflowStep[];
  /** What a run is given. */
  readonly parameters: readonly WorkflowParameter[];
};

/** A workflow to keep. */
export type WorkflowInput = {
  /** Unique for its owner, and not that of a built-in workflow; not `catalog`. */
  readonly name: string;
  /** For people. */
  readonly description?: string | undefined;
  /** In their order; one after the other. */
  readonly steps: readonly WorkflowStepInput[];
  /** What a run is given. */
  readonly parameters?: readonly WorkflowParameterInput[] | undefined;
};

export type WorkflowList = {
  /** The built-in ones, then the caller's own by name. */
  readonly workflows: readonly WorkflowRow[];
};

export type WorkflowParameter = {
  /** As `{{.Params.name}}` calls it. */
  readonly name: string;
  /** For people. */
  readonly description?: string | undefined;
  /** In the place of one that is not given. */
  readonly default?: string | undefined;
  /** Whether its value is masked wherever a run is shown. */
  readonly sensitive?: boolean | undefined;
  /** Whether a run is refused without it. */
  readonly required: boolean;
};

export type WorkflowParameterInput = {
  /** As `{{.Params.name}}` calls it. */
  readonly name: string;
  /** For people. */
  readonly description?: string | undefined;
  /** In the place of one that is not given. */
  readonly default?: string | undefined;
  /** Whether its value is masked wherever a run is shown. */
  readonly sensitive?: boolean | undefined;
  /** Whether a run is refused without it. */
  readonly required?: boolean | undefined;
};

/** A workflow in a list. */
export type WorkflowRow = {
  /** Of the workflow, unique for its owner. */
  readonly name: string;
  /** For people; may be empty. */
  readonly description: string;
  /** Whether it came with the server: then it cannot be deleted. */
  readonly builtin: boolean;
  /** When it was created; not there for a built-in one. */
  readonly created_at?: string | undefined;
  /** Without their settings. */
  readonly steps: readonly {
    /** Unique in the workflow; templates call its outputs by it. */
    readonly name: string;
    /** What it does: a request, a task, or something done with the work of a task. */
    readonly type: 'fetch' | 'task' | 'action';
  }[];
  /** What a run is given. */
  readonly parameters: readonly {
    /** As `{{.Params.name}}` calls it. */
    readonly name: string;
    /** Whether a run is refused without it. */
    readonly required: boolean;
  }[];
};

/** A workflow run, whole. */
export type WorkflowRun = {
  /** Of the run. */
  readonly id: string;
  /** The workflow; it may have changed or gone since. */
  readonly workflow_name: string;
  readonly status: WorkflowRunStatus;
  /** Which step failed, and why. */
  readonly error?: string | undefined;
  /** When it was started. */
  readonly created_at: string;
  /** When its first step began. */
  readonly started_at?: string | undefined;
  /** When it was over. */
  readonly finished_at?: string | undefined;
  /** What the run was given, with sensitive values masked. */
  readonly params: Readonly<Record<string, string>>;
  /** In their order. */
  readonly steps: readonly WorkflowRunStep[];
  /** In traces and logs. */
  readonly trace_id: string;
};

export type WorkflowRunList = {
  /** Newest first. */
  readonly runs: readonly WorkflowRunRow[];
  /** How many match, on all pages. */
  readonly total: number;
};

/** A workflow run in a list. */
export type WorkflowRunRow = {
  /** Of the run. */
  readonly id: string;
  /** The workflow; it may have changed or gone since. */
  readonly workflow_name: string;
  readonly status: WorkflowRunStatus;
  /** Which step failed, and why. */
  readonly error?: string | undefined;
  /** When it was started. */
  readonly created_at: string;
  /** When its first step began. */
  readonly started_at?: string | undefined;
  /** When it was over. */
  readonly finished_at?: string | undefined;
};

/** What a workflow run is at. */
export type WorkflowRunStatus = 'pending' | 'running' | 'completed' | 'failed' | 'canceled';

export type WorkflowRunStep = {
  /** The step's name in the workflow. */
  readonly step_name: string;
  /** What it does: a request, a task, or something done with the work of a task. */
  readonly step_type: 'fetch' | 'task' | 'action';
  /** What it is at; `skipped`: the run ended before it. */
  readonly status: 'pending' | 'running' | 'completed' | 'failed' | 'canceled' | 'skipped';
  /** What a `fetch` or an `action` left for later steps. */
  readonly result?: Readonly<Record<string, unknown>> | undefined;
  /** The task of a `task`, or the one that an `action` is about. */
  readonly task_id?: string | undefined;
  /** Why it failed. */
  readonly error?: string | undefined;
  /** When it began. */
  readonly started_at?: string | undefined;
  /** When it ended. */
  readonly finished_at?: string | undefined;
};

export type WorkflowStep = {
  /** Unique in the workflow; templates call its outputs by it. */
  readonly name: string;
  /** What it does: a request, a task, or something done with the work of a task. */
  readonly type: 'fetch' | 'task' | 'action';
  /** The step's settings, by its type. Texts may have templates in them. */
  readonly config: Readonly<Record<string, unknown>>;
};

export type WorkflowStepInput = {
  /** Unique in the workflow; templates call its outputs by it. */
  readonly name: string;
  /** What it does: a request, a task, or something done with the work of a task. */
  readonly type: 'fetch' | 'task' | 'action';
  /** The step's settings, by its type. Texts may have templates in them. */
  readonly config: Readonly<Record<string, unknown>>;
};

/** A workspace whose files lie on a disk. */
export type Workspace = {
  /** The newest task that works in it. */
  readonly task_id: string;
  /** What its files take on the disk, in megabytes of 10^6 bytes, as measured after its last run; 0 until then. */
  readonly size_mb: number;
  /** When its first task was taken. */
  readonly created_at: string;
  /** When it is removed, unless it is used until then. */
  readonly expires_at: string;
  /** How that task stands. */
  readonly task_status: 'pending' | 'cloning' | 'running' | 'completed' | 'reviewing' | 'awaiting_instruction' | 'creating_pr' | 'pr_created' | 'failed';
};

export type WorkspaceList = {
  /** Newest first. */
  readonly workspaces: readonly Workspace[];
  /** What all of them take, whatever the page. */
  readonly total_size_mb: number;
  /** How many there are, whatever the page. */
  readonly total_count: number;
};

/** What each operation takes and gives, by its id. */
export type Operations = {
  /** Read what is measured */
  readonly getMetrics: {
    readonly answer: string;
  };
  /** Tell what this server is */
  readonly getServerInfo: {
    readonly answer: ServerInfo;
  };
  /** Tell how the server is */
  readonly getHealth: {
    readonly answer: Health;
  };
  /** Tell whether the server takes requests */
  readonly getReadiness: {
    readonly answer: Ready;
  };
  /** Read this description as JSON */
  readonly getApiDescription: {
    readonly answer: Readonly<Record<string, unknown>>;
  };
  /** Read this description as YAML */
  readonly getApiDescriptionAsYaml: {
    readonly answer: string;
  };
  /** Tell whether the credential is accepted */
  readonly verifyToken: {
    readonly answer: Verified;
  };
  /** List the kinds of tasks */
  readonly listTaskTypes: {
    readonly answer: TaskTypeList;
  };
  /** Create a task */
  readonly createTask: {
    readonly body: TaskInput;
    readonly answer: CreatedTask;
  };
  /** List tasks, newest first */
  readonly listTasks: {
    readonly query: {
      /** Only tasks that are at this; an unknown word finds none. */
      readonly status?: 'pending' | 'cloning' | 'running' | 'completed' | 'reviewing' | 'awaiting_instruction' | 'creating_pr' | 'pr_created' | 'failed' | undefined;
      /** How many at most; moved into its range. */
      readonly limit?: number | undefined;
      /** How many of the newest to leave out. */
      readonly offset?: number | undefined;
    };
    readonly answer: TaskList;
  };
  /** Read a task */
  readonly getTask: {
    readonly query: {
      /** `iterations` adds a record of each instruction. */
      readonly include?: string | undefined;
    };
    readonly answer: Task;
  };
  /** Read a task's changes as a patch */
  readonly getTaskDiff: {
    readonly answer: string;
  };
  /** Ask for the end of a task */
  readonly cancelTask: {
    readonly body: CancelInput;
    readonly answer: CancelAnswer;
  };
  /** Give a task its next instruction */
  readonly instructTask: {
    readonly body: Instruction;
    readonly answer: InstructAnswer;
  };
  /** Have a task's work reviewed */
  readonly reviewTask: {
    readonly body: ReviewInput;
    readonly answer: ReviewAnswer;
  };
  /** Publish a task's work as a pull request */
  readonly createPullRequest: {
    readonly body: PullRequestInput;
    readonly answer: CreatedPullRequest;
  };
  /** Post a task's review to a pull request */
  readonly postReview: {
    readonly body: PostReviewInput;
    readonly answer: PostedReview;
  };
  /** Follow a task's events */
  readonly streamTask: {
    readonly answer: string;
  };
  /** List the questions that wait for an answer */
  readonly listWaitingApprovals: {
    readonly answer: ApprovalList;
  };
  /** List what a task's agent asked */
  readonly listTaskApprovals: {
    readonly query: {
      /** Only questions that stand so; an unknown word finds none. */
      readonly state?: 'waiting' | 'allowed' | 'denied' | 'expired' | 'dropped' | undefined;
    };
    readonly answer: ApprovalList;
  };
  /** Answer a question */
  readonly answerApproval: {
    readonly body: ApprovalAnswer;
    readonly answer: Approval;
  };
  /** List callbacks, newest first */
  readonly listDeliveries: {
    readonly query: {
      /** Only those of this task: its UUID, `task-` and the UUID, or its number. */
      readonly task_id?: string | undefined;
      /** Only those that stand so; an unknown word finds none. */
      readonly status?: 'pending' | 'delivered' | 'failed' | undefined;
      /** How many at most; moved into its range. */
      readonly limit?: number | undefined;
      /** How many of the newest to leave out. */
      readonly offset?: number | undefined;
    };
    readonly answer: DeliveryList;
  };
  /** Show a callback with its body and attempts */
  readonly getDelivery: {
    readonly answer: Delivery;
  };
  /** Send a callback again */
  readonly redeliver: {
    readonly answer: RedeliverAnswer;
  };
  /** List webhooks that came in, newest first */
  readonly listWebhooks: {
    readonly query: {
      /** Only those of this forge; an unknown word finds none. */
      readonly source?: 'github' | 'gitlab' | undefined;
      /** Only those that stand so; an unknown word finds none. */
      readonly status?: 'waiting' | 'created' | 'deduplicated' | 'skipped' | 'ignored' | 'refused' | undefined;
      /** How many at most; moved into its range. */
      readonly limit?: number | undefined;
      /** How many of the newest to leave out. */
      readonly offset?: number | undefined;
    };
    readonly answer: WebhookList;
  };
  /** Show a webhook that came in */
  readonly getWebhook: {
    readonly answer: Webhook;
  };
  /** Make a review of a webhook again */
  readonly redeliverWebhook: {
    readonly answer: RedeliverWebhookAnswer;
  };
  /** List the agents of this server */
  readonly listAgents: {
    readonly answer: AgentList;
  };
  /** Tell whether the default agent can be used */
  readonly getAgentHealth: {
    readonly answer: AgentHealth;
  };
  /** Store a token under a name */
  readonly createKey: {
    readonly body: KeyInput;
    readonly answer: CreatedKey;
  };
  /** List the stored keys */
  readonly listKeys: {
    readonly answer: KeyList;
  };
  /** Ask the provider whether a stored token is valid */
  readonly verifyKey: {
    readonly answer: ValidKey;
  };
  /** Delete a key and its token */
  readonly deleteKey: {
    readonly answer: DeletedKey;
  };
  /** Make an API key for somebody */
  readonly createApiKey: {
    readonly body: ApiKeyInput;
    readonly answer: CreatedApiKey;
  };
  /** List the API keys */
  readonly listApiKeys: {
    readonly answer: ApiKeyList;
  };
  /** Revoke an API key */
  readonly revokeApiKey: {
    readonly answer: RevokedApiKey;
  };
  /** List the repositories that a token reaches */
  readonly listRepositories: {
    readonly query: {
      /** The name of a stored key. */
      readonly provider_key?: string | undefined;
      /** Without `provider_key`: whose token the header `X-Provider-Token` has. */
      readonly provider?: 'github' | 'gitlab' | undefined;
      /** From 1 on. */
      readonly page?: number | undefined;
      /** How many at most. */
      readonly per_page?: number | undefined;
    };
    readonly answer: RepositoryList;
  };
  /** List the organizations of a Sentry token */
  readonly listSentryOrganizations: {
    readonly query: {
      /** The name of a stored key for Sentry. */
      readonly key_name: string;
      /** Where the list goes on: from the header `Link` of the page before. */
      readonly cursor?: string | undefined;
    };
    readonly answer: SentryOrganizationList;
  };
  /** List the projects of an organization in Sentry */
  readonly listSentryProjects: {
    readonly query: {
      /** The name of a stored key for Sentry. */
      readonly key_name: string;
      /** The organization's slug. */
      readonly org: string;
      /** Where the list goes on: from the header `Link` of the page before. */
      readonly cursor?: string | undefined;
    };
    readonly answer: SentryProjectList;
  };
  /** Search the issues of a project in Sentry */
  readonly listSentryIssues: {
    readonly query: {
      /** The name of a stored key for Sentry. */
      readonly key_name: string;
      /** The organization's slug. */
      readonly org: string;
      /** The project's slug. */
      readonly project: string;
      /** A search in Sentry's language. */
      readonly query?: string | undefined;
      /** The order; as Sentry sorts where it is left out. */
      readonly sort?: 'freq' | 'date' | 'priority' | undefined;
      /** How many at most; moved into its range. */
      readonly limit?: number | undefined;
      /** Where the list goes on: from the header `Link` of the page before. */
      readonly cursor?: string | undefined;
    };
    readonly answer: SentryIssueList;
  };
  /** Read an issue of Sentry */
  readonly getSentryIssue: {
    readonly query: {
      /** The name of a stored key for Sentry. */
      readonly key_name: string;
      /** The slug of the issue's organization: needed with a short id, and where the server of Sentry has several regions. */
      readonly org?: string | undefined;
    };
    readonly answer: Readonly<Record<string, unknown>>;
  };
  /** Read the latest event of an issue of Sentry */
  readonly getLatestSentryEvent: {
    readonly query: {
      /** The name of a stored key for Sentry. */
      readonly key_name: string;
      /** The slug of the issue's organization: needed with a short id, and where the server of Sentry has several regions. */
      readonly org?: string | undefined;
    };
    readonly answer: Readonly<Record<string, unknown>>;
  };
  /** Store a workflow under a name */
  readonly createWorkflow: {
    readonly body: WorkflowInput;
    readonly answer: CreatedWorkflow;
  };
  /** List the built-in workflows and those of the caller */
  readonly listWorkflows: {
    readonly answer: WorkflowList;
  };
  /** Read a workflow */
  readonly getWorkflow: {
    readonly answer: Workflow;
  };
  /** Delete a workflow */
  readonly deleteWorkflow: {
    readonly answer: DeletedWorkflow;
  };
  /** Start a run of a workflow */
  readonly runWorkflow: {
    readonly body: RunWorkflowInput;
    readonly answer: StartedWorkflowRun;
  };
  /** List workflow runs, newest first */
  readonly listWorkflowRuns: {
    readonly query: {
      /** Only runs of this workflow. */
      readonly workflow?: string | undefined;
      /** Only those that stand so; an unknown word finds none. */
      readonly status?: 'pending' | 'running' | 'completed' | 'failed' | 'canceled' | undefined;
      /** How many at most; moved into its range. */
      readonly limit?: number | undefined;
      /** How many of the newest to leave out. */
      readonly offset?: number | undefined;
    };
    readonly answer: WorkflowRunList;
  };
  /** Read a workflow run and its steps */
  readonly getWorkflowRun: {
    readonly answer: WorkflowRun;
  };
  /** Follow a workflow run's events */
  readonly streamWorkflowRun: {
    readonly answer: string;
  };
  /** Ask for the end of a workflow run and of its task */
  readonly cancelWorkflowRun: {
    readonly answer: CanceledWorkflowRun;
  };
  /** Ask for the end of all runs of a workflow */
  readonly cancelWorkflowRuns: {
    readonly query: {
      /** The workflow whose runs are to end; required. */
      readonly workflow?: string | undefined;
    };
    readonly answer: CanceledWorkflowRuns;
  };
  /** Register an MCP server */
  readonly createMcpServer: {
    readonly body: McpServerInput;
    readonly answer: CreatedMcpServer;
  };
  /** List the registered MCP servers */
  readonly listMcpServers: {
    readonly query: {
      /** The one repository whose tasks get the server; left out: the tasks of all. */
      readonly repo_url?: string | undefined;
    };
    readonly answer: McpServerList;
  };
  /** Delete an MCP server and its secrets */
  readonly deleteMcpServer: {
    readonly query: {
      /** The one repository whose tasks get the server; left out: the tasks of all. */
      readonly repo_url?: string | undefined;
    };
    readonly answer: DeletedMcpServer;
  };
  /** List the built-in tools */
  readonly listToolCatalog: {
    readonly answer: ToolList;
  };
  /** List all tools */
  readonly listTools: {
    readonly answer: ToolList;
  };
  /** Register a tool */
  readonly createTool: {
    readonly body: ToolInput;
    readonly answer: CreatedTool;
  };
  /** Show a tool with the settings that it takes */
  readonly getTool: {
    readonly answer: Tool;
  };
  /** Delete a registered tool */
  readonly deleteTool: {
    readonly answer: DeletedTool;
  };
  /** List the workspaces that lie on a disk */
  readonly listWorkspaces: {
    readonly query: {
      /** How many at most; moved into its range. */
      readonly limit?: number | undefined;
      /** How many of the newest to leave out. */
      readonly offset?: number | undefined;
    };
    readonly answer: WorkspaceList;
  };
  /** Delete the workspace of a task */
  readonly deleteWorkspace: {
    readonly answer: DeletedWorkspace;
  };
  /** Take a webhook of GitHub */
  readonly receiveGithubWebhook: {
    readonly body: Readonly<Record<string, unknown>>;
    readonly answer: WebhookTaken;
  };
  /** Take a webhook of GitLab */
  readonly receiveGitlabWebhook: {
    readonly body: Readonly<Record<string, unknown>>;
    readonly answer: WebhookTaken;
  };
  /** Submit a task that ends in a pull request */
  readonly submitTask: {
    readonly body: CodebotSubmission;
    readonly answer: CodebotSubmitted;
  };
  /** List the newest tasks */
  readonly listSubmittedTasks: {
    readonly query: {
      /** Only tasks that are in this state. */
      readonly status?: 'pending' | 'running' | 'completed' | 'failed' | undefined;
      /** How many at most. */
      readonly limit?: number | undefined;
    };
    readonly answer: TaskOverviewList;
  };
  /** Tell how a task is, and what came of it */
  readonly getTaskStatus: {
    readonly answer: WholeTaskOverview;
  };
};
