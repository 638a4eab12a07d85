import { Type, type Static, type TSchema } from 'typebox';

/** What a task can be in, in this document's words. */
export const codeforgeStatuses = [
  'pending',
  'cloning',
  'running',
  'completed',
  'reviewing',
  'awaiting_instruction',
  'creating_pr',
  'pr_created',
  'failed',
] as const;

export type CodeforgeStatus = (typeof codeforgeStatuses)[number];

const text = Type.Optional(Type.String());
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** Types only: lengths, characters and known values are `submission.ts`'s, which has the messages for them. */
export const createTaskBody = Type.Object({
  repo_url: Type.String(),
  prompt: Type.String(),
  task_type: text,
  provider_key: text,
  access_token: text,
  callback_url: text,
  publish: text,
  config: Type.Optional(
    Type.Object({
      timeout_seconds: Type.Optional(Type.Integer({ minimum: 1 })),
      cli: text,
      command: text,
      source_branch: text,
      target_branch: text,
      priority: Type.Optional(Type.Integer()),
      ai_model: text,
      ai_api_key: text,
      max_turns: Type.Optional(Type.Integer()),
      max_budget_usd: Type.Optional(Type.Number()),
      approvals: text,
      partial_messages: Type.Optional(Type.Boolean()),
      workspace_task_id: Type.Optional(Type.Unknown()),
      mcp_servers: Type.Optional(Type.Unknown()),
      tools: Type.Optional(Type.Unknown()),
      pr_number: Type.Optional(Type.Unknown()),
      output_mode: Type.Optional(Type.Unknown()),
    }),
  ),
});
export type CreateTaskBody = Static<typeof createTaskBody>;

export const instructBody = Type.Object({ prompt: Type.String() });

/** As `createTaskBody`: types only. */
export const answerApprovalBody = Type.Object({ decision: Type.String(), reason: text });

export const cancelTaskBody = Type.Object({ queued: Type.Optional(Type.Boolean()) });

/** Texts, since a query holds nothing else; `query.ts` reads them. */
export const listTasksQuery = Type.Object({ status: text, limit: text, offset: text });
export const showTaskQuery = Type.Object({ include: text });

export const listApprovalsQuery = Type.Object({ state: text });

export const taskParams = Type.Object({ id: Type.String() });
export const approvalParams = Type.Object({ id: Type.String(), approval: Type.String() });

export const createdTask = Type.Object({
  id: Type.String(),
  status: Type.String(),
  created_at: Type.String(),
});

export const cancelAnswer = Type.Object({ id: Type.String(), status: Type.String(), message: Type.String() });

export const instructAnswer = Type.Object({
  id: Type.String(),
  status: Type.String(),
  iteration: Type.Integer(),
});

const changesSummary = Type.Object({
  files_modified: Type.Integer(),
  files_created: Type.Integer(),
  files_deleted: Type.Integer(),
  diff_stats: Type.String(),
});
export type ChangesSummaryBody = Static<typeof changesSummary>;

const usage = Type.Object({
  input_tokens: Type.Integer(),
  output_tokens: Type.Integer(),
  duration_seconds: Type.Integer(),
  cache_read_tokens: Type.Optional(Type.Integer()),
  cache_write_tokens: Type.Optional(Type.Integer()),
  cost_usd: Type.Optional(Type.Number()),
});
export type UsageBody = Static<typeof usage>;

const iteration = Type.Object({
  number: Type.Integer(),
  prompt: Type.String(),
  result: text,
  error: text,
  cli_version: text,
  status: Type.String(),
  changes: Type.Optional(changesSummary),
  usage: Type.Optional(usage),
  started_at: nullable(Type.String()),
  ended_at: nullable(Type.String()),
});
export type IterationBody = Static<typeof iteration>;

/** One task: what is empty is left out. */
export const taskBody = Type.Object({
  id: Type.String(),
  status: Type.String(),
  task_type: Type.String(),
  repo_url: Type.String(),
  prompt: Type.String(),
  publish: Type.String(),
  provider_key: text,
  callback_url: text,
  result: text,
  error: text,
  failure: Type.Optional(
    Type.Object({
      code: Type.String(),
      phase: Type.String(),
      retryable: Type.Boolean(),
      message: Type.String(),
    }),
  ),
  config: Type.Object({
    timeout_seconds: Type.Integer(),
    cli: Type.String(),
    command: text,
    source_branch: text,
    target_branch: text,
    ai_model: text,
    max_turns: Type.Optional(Type.Integer()),
    max_budget_usd: Type.Optional(Type.Number()),
    approvals: text,
    partial_messages: Type.Optional(Type.Boolean()),
  }),
  changes_summary: Type.Optional(changesSummary),
  usage: Type.Optional(usage),
  iteration: Type.Integer(),
  current_prompt: text,
  iterations: Type.Optional(Type.Array(iteration)),
  branch: text,
  trace_id: Type.String(),
  created_at: Type.String(),
  started_at: text,
  finished_at: text,
});
export type TaskBody = Static<typeof taskBody>;

/** A row of the list: every documented field, empty ones too. Rows are not checked when they are sent. */
export type TaskRowBody = {
  readonly id: string;
  readonly status: CodeforgeStatus;
  readonly task_type: string;
  readonly repo_url: string;
  readonly prompt: string;
  readonly iteration: number;
  readonly error: string;
  readonly branch: string;
  readonly pr_url: string;
  readonly changes_summary: ChangesSummaryBody | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
};

/** A question of an agent to a person. Not checked when it is sent: `arguments` is whatever the agent said. */
export type ApprovalBody = {
  readonly id: string;
  readonly task_id: string;
  readonly tool: string;
  readonly summary: string;
  readonly arguments: unknown;
  readonly state: string;
  readonly reason: string;
  readonly expires_at: string;
  readonly created_at: string;
  readonly decided_at: string | null;
};
