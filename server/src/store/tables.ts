import type { Generated, GeneratedAlways } from 'kysely';
import type { ApprovalState } from '../domain/approval-state.ts';
import type { EffectKind, EffectPayloads, EffectState } from '../domain/effect-state.ts';
import type { CredentialKind } from '../domain/ability.ts';
import type { ChangedFiles, ChangesSummary, EventType } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { KeyProvider } from '../domain/key.ts';
import type { PublishMode, TaskOptions } from '../domain/options.ts';
import type { ReviewResult } from '../domain/review.ts';
import type { RunCause, RunKind, RunQueue, RunState, TaskKind } from '../domain/run-state.ts';
import type { TaskState } from '../domain/task-state.ts';
import type { TestOutcome } from '../domain/test-outcome.ts';
import type { PullRequestNews, WebhookSource, WebhookState } from '../domain/webhook.ts';
import type { Created, Json, NullableJson } from './table-columns.ts';
import type {
  McpServersTable,
  ToolsTable,
  WorkflowRunsTable,
  WorkflowStepsTable,
  WorkflowsTable,
} from './workflow-tables.ts';

/**
 * The tables as TypeScript sees them. A test compares names, nullability and types with the migrated
 * database, so that neither side moves alone.
 */
export type Tables = {
  users: UsersTable;
  secrets: SecretsTable;
  repositories: RepositoriesTable;
  workers: WorkersTable;
  blobs: BlobsTable;
  workspaces: WorkspacesTable;
  tasks: TasksTable;
  runs: RunsTable;
  streams: StreamsTable;
  events: EventsTable;
  effects: EffectsTable;
  idempotency_keys: IdempotencyKeysTable;
  duties: DutiesTable;
  rate_limits: RateLimitsTable;
  spend: SpendTable;
  approvals: ApprovalsTable;
  keys: KeysTable;
  deliveries: DeliveriesTable;
  mcp_servers: McpServersTable;
  tools: ToolsTable;
  workflows: WorkflowsTable;
  workflow_runs: WorkflowRunsTable;
  workflow_steps: WorkflowStepsTable;
  credentials: CredentialsTable;
  task_transitions: TransitionsTable;
  run_transitions: TransitionsTable;
};

export type UsersTable = {
  id: string;
  number: GeneratedAlways<number>;
  login: string;
  role: 'admin' | 'member';
  max_live_runs: number | null;
  created_at: Created;
};

export type SecretsTable = {
  id: string;
  owner_id: string;
  key_id: string;
  nonce: Buffer;
  ciphertext: Buffer;
  created_at: Created;
};

export type RepositoriesTable = {
  id: string;
  canonical_url: string;
  max_live_runs: number | null;
  created_at: Created;
};

export type WorkersTable = {
  id: string;
  host: string;
  version: string;
  /** Where its workspaces lie on that host. An older one has not said. */
  workspaces_folder: string | null;
  started_at: Generated<Date>;
};

export type CredentialsTable = {
  id: string;
  number: GeneratedAlways<number>;
  owner_id: string;
  kind: CredentialKind;
  name: string;
  /** SHA-256; the credential itself is stored nowhere. */
  hash: Buffer;
  hint: string;
  abilities: string[];
  created_by: string;
  created_at: Created;
  expires_at: Date | null;
  revoked_at: Date | null;
  used_at: Date | null;
};

export type BlobKind = 'bundle' | 'patch' | 'output' | 'session';

export type BlobsTable = {
  id: string;
  owner_id: string;
  kind: BlobKind;
  sha256: string;
  bytes: number;
  created_at: Created;
};

export type WorkspacesTable = {
  id: string;
  number: GeneratedAlways<number>;
  owner_id: string;
  project_id: string | null;
  repository_id: string;
  /** Whose disk has the tree, whole, as the last run left it. A run that is at work has taken the name away. */
  worker_id: string | null;
  base_branch: string | null;
  base_commit: string | null;
  head_commit: string | null;
  session: string | null;
  session_task_id: string | null;
  session_agent: string | null;
  session_blob_id: string | null;
  snapshot_commit: string | null;
  snapshot_blob_id: string | null;
  parked_task_id: string | null;
  bundle_blob_id: string | null;
  created_at: Created;
  used_at: Generated<Date>;
  expires_at: Date | null;
  disk_bytes: number | null;
  measured_at: Date | null;
  leftover_blob_id: string | null;
};

export type TasksTable = {
  id: string;
  number: GeneratedAlways<number>;
  owner_id: string;
  project_id: string | null;
  source: string;
  kind: TaskKind;
  repository_id: string;
  repository_url: string;
  prompt: string;
  current_prompt: string | null;
  options: Json<TaskOptions>;
  publish: PublishMode;
  callback_url: string | null;
  provider_key: string | null;
  access_token_id: string | null;
  ai_key_id: string | null;
  mcp_secret_id: string | null;
  workflow_run_id: string | null;
  workflow_step: number | null;
  state: TaskState;
  iteration: Generated<number>;
  workspace_id: string;
  branch: string | null;
  pushed_commit: string | null;
  result: string | null;
  review_run_id: string | null;
  failure: NullableJson<Failure>;
  changes: NullableJson<ChangesSummary>;
  tests: NullableJson<TestOutcome>;
  patch_blob_id: string | null;
  pull_request_number: number | null;
  pull_request_url: string | null;
  duration_ms: Generated<number>;
  trace_id: string;
  cancel_requested_at: Date | null;
  pause_requested_at: Date | null;
  deadline_at: Date | null;
  created_at: Created;
  started_at: Date | null;
  finished_at: Date | null;
};

export type RunsTable = {
  id: string;
  number: GeneratedAlways<number>;
  task_id: string;
  owner_id: string;
  repository_id: string;
  workspace_id: string;
  kind: RunKind;
  iteration: number;
  attempt: number;
  first_attempt: Generated<number>;
  cause: RunCause;
  aside: Generated<boolean>;
  prompt: string;
  queue: RunQueue;
  priority: Generated<number>;
  requires: Generated<string[]>;
  state: RunState;
  available_at: Generated<Date>;
  holder: string | null;
  generation: Generated<number>;
  lease_until: Date | null;
  deadline_at: Date | null;
  time_left_ms: number;
  output_at: Generated<number>;
  notices_at: Generated<number>;
  exit: NullableJson<unknown>;
  agent: string;
  model: string | null;
  agent_version: string | null;
  session: string | null;
  commit: string | null;
  bundle_blob_id: string | null;
  changes: NullableJson<ChangesSummary>;
  files: NullableJson<ChangedFiles>;
  result: string | null;
  review: NullableJson<ReviewResult>;
  stop_reason: string | null;
  parking: Generated<boolean>;
  failure: NullableJson<Failure>;
  created_at: Created;
  started_at: Date | null;
  ended_at: Date | null;
};

export type StreamsTable = { id: string; last_seq: Generated<number> };

export type EventsTable = {
  id: GeneratedAlways<number>;
  stream_id: string;
  seq: number;
  run_id: string | null;
  at: Created;
  type: EventType;
  version: Generated<number>;
  data: Json<unknown>;
  blob_id: string | null;
};

export type EffectsTable = {
  id: string;
  owner_id: string;
  task_id: string | null;
  workflow_run_id: string | null;
  run_id: string | null;
  kind: EffectKind;
  key: string;
  payload: Json<EffectPayloads[EffectKind]>;
  outcome: NullableJson<unknown>;
  state: EffectState;
  available_at: Generated<Date>;
  attempts: Generated<number>;
  holder: string | null;
  generation: Generated<number>;
  lease_until: Date | null;
  deadline_at: Date | null;
  created_at: Created;
  ended_at: Date | null;
};

export type SpendTable = {
  run_id: string;
  seq: number;
  task_id: string;
  owner_id: string;
  session: string | null;
  model: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  microdollars: number;
  at: Created;
};

export type ApprovalsTable = {
  id: string;
  number: GeneratedAlways<number>;
  owner_id: string;
  task_id: string;
  run_id: string;
  request_id: string;
  kind: 'tool';
  tool: string;
  summary: string;
  arguments: Json<unknown>;
  arguments_hash: string;
  state: ApprovalState;
  reason: string | null;
  expires_at: Date;
  decided_by: string | null;
  decided_at: Date | null;
  created_at: Created;
};

export type KeysTable = {
  id: string;
  owner_id: string;
  name: string;
  provider: KeyProvider;
  scope: Generated<string>;
  secret_id: string;
  created_at: Created;
};

export type DeliveriesTable = {
  id: string;
  owner_id: string;
  source: WebhookSource;
  delivery_id: string;
  event: string;
  action: string | null;
  subject: string | null;
  head_commit: string | null;
  payload: NullableJson<PullRequestNews>;
  body_sha256: string;
  body_bytes: number;
  state: WebhookState;
  reason: string | null;
  task_id: string | null;
  round: Generated<number>;
  taken_at: Generated<Date>;
  attempts: Generated<number>;
  available_at: Generated<Date>;
  created_at: Created;
  settled_at: Date | null;
};

export type IdempotencyKeysTable = {
  owner_id: string;
  route: string;
  key: string;
  body_hash: string;
  task_id: string;
  iteration: number | null;
  created_at: Created;
};

export type DutiesTable = { name: string; next_at: Generated<Date> };
export type RateLimitsTable = { key: string; full_at: Date };
export type TransitionsTable = { source: string; target: string };
