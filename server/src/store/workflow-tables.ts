import type { GeneratedAlways } from 'kysely';
import type { McpServerDefinition } from '../domain/mcp-server.ts';
import type { ToolDefinition } from '../domain/tool.ts';
import type {
  StepOutputs,
  WorkflowDefinition,
  WorkflowParams,
  WorkflowRunState,
  WorkflowStepKind,
  WorkflowStepState,
} from '../domain/workflow.ts';
import type { Created, Json, NullableJson } from './table-columns.ts';

export type McpServersTable = {
  id: string;
  owner_id: string;
  repository_id: string | null;
  name: string;
  shown: Json<McpServerDefinition>;
  secret_id: string;
  created_at: Created;
};

export type ToolsTable = {
  id: string;
  owner_id: string;
  name: string;
  definition: Json<ToolDefinition>;
  created_at: Created;
};

export type WorkflowsTable = {
  id: string;
  owner_id: string;
  name: string;
  shown: Json<WorkflowDefinition>;
  secret_id: string;
  created_at: Created;
};

export type WorkflowRunsTable = {
  id: string;
  number: GeneratedAlways<number>;
  owner_id: string;
  workflow_name: string;
  params: Json<WorkflowParams>;
  secret_id: string | null;
  state: WorkflowRunState;
  failure: string | null;
  trace_id: string;
  idempotency_key: string | null;
  body_hash: string | null;
  cancel_requested_at: Date | null;
  deadline_at: Date | null;
  created_at: Created;
  started_at: Date | null;
  ended_at: Date | null;
};

export type WorkflowStepsTable = {
  run_id: string;
  position: number;
  name: string;
  kind: WorkflowStepKind;
  state: WorkflowStepState;
  task_id: string | null;
  outputs: NullableJson<StepOutputs>;
  error: string | null;
  started_at: Date | null;
  ended_at: Date | null;
};
