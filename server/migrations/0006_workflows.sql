-- MCP servers and tools that agents are given, workflows with their runs, and how large workspaces are.

-- A server for all repositories, or for one. `shown` is its description with secret values masked; all of it is
-- sealed in `secrets`.
create table mcp_servers (
  id uuid primary key,
  owner_id uuid not null references users,
  repository_id uuid references repositories,
  name text not null,
  shown jsonb not null,
  secret_id uuid not null references secrets,
  created_at timestamptz not null default now(),
  unique nulls not distinct (repository_id, name)
);

-- Tools beside those that are built in; their descriptions hold no secret.
create table tools (
  id uuid primary key,
  owner_id uuid not null references users,
  name text not null unique,
  definition jsonb not null,
  created_at timestamptz not null default now()
);

create table workflows (
  id uuid primary key,
  owner_id uuid not null references users,
  name text not null,
  -- With secret values masked; all of it is sealed in `secrets`.
  shown jsonb not null,
  secret_id uuid not null references secrets,
  created_at timestamptz not null default now(),
  unique (owner_id, name)
);

-- A run keeps the definition that it was started with, and its parameters, sealed: what becomes of the workflow
-- meanwhile does not matter to it.
create table workflow_runs (
  id uuid primary key,
  number bigint generated always as identity unique,
  owner_id uuid not null references users,
  workflow_name text not null,
  params jsonb not null,
  -- Gone with the end of the run.
  secret_id uuid references secrets,
  state text not null check (state in ('pending', 'running', 'completed', 'failed', 'cancelled')),
  failure text,
  trace_id text not null,
  idempotency_key text,
  body_hash text,
  cancel_requested_at timestamptz,
  deadline_at timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  unique (owner_id, idempotency_key),
  constraint workflow_run_ended check ((ended_at is null) = (state in ('pending', 'running'))),
  constraint workflow_run_plan check (secret_id is not null or ended_at is not null),
  constraint workflow_run_deadline check (deadline_at is not null or ended_at is not null)
);
create index workflow_runs_newest on workflow_runs (owner_id, number desc);
create index workflow_runs_by_name on workflow_runs (workflow_name, number desc);
create index workflow_runs_open on workflow_runs (deadline_at) where state in ('pending', 'running');
create index workflow_runs_cancelling on workflow_runs (cancel_requested_at)
  where state in ('pending', 'running') and cancel_requested_at is not null;

-- One step runs at a time. It is begun by an effect, and ended by that or by the end of its task.
create table workflow_steps (
  run_id uuid not null references workflow_runs,
  position integer not null,
  name text not null,
  kind text not null check (kind in ('fetch', 'task', 'action')),
  state text not null check (state in ('pending', 'running', 'completed', 'failed', 'cancelled', 'skipped')),
  -- Of a task its own, of an action the one that it is about.
  task_id uuid references tasks,
  outputs jsonb,
  error text,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (run_id, position),
  unique (run_id, name)
);
create unique index workflow_steps_running on workflow_steps (run_id) where state = 'running';

alter table tasks add column workflow_run_id uuid references workflow_runs;
alter table tasks add column workflow_step integer;
create index tasks_of_workflow_run on tasks (workflow_run_id) where workflow_run_id is not null;
-- The MCP servers that the task brought, with those of its tools, sealed.
alter table tasks add column mcp_secret_id uuid references secrets;

alter table effects alter column task_id drop not null;
alter table effects add column workflow_run_id uuid references workflow_runs;
alter table effects add constraint effect_subject check (num_nonnulls(task_id, workflow_run_id) = 1);
alter table effects drop constraint effects_kind_check;
alter table effects add constraint effects_kind_check
  check (kind in ('push', 'pull_request', 'callback', 'review', 'workflow_step'));
create index effects_by_workflow_run on effects (workflow_run_id) where workflow_run_id is not null;

-- What tree and home of a workspace take up on its worker's disk, as they were measured last.
alter table workspaces add column disk_bytes bigint;
alter table workspaces add column measured_at timestamptz;
-- What a run that ended badly had done, as a bundle: kept before its tree is removed.
alter table workspaces add column leftover_blob_id uuid references blobs;
