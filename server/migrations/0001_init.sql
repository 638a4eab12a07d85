-- The main job's tables. States are text with a check equal to the domain's table, and a trigger refuses
-- every transition that the domain's table does not have. All times are the database's.

create table users (
  id uuid primary key,
  number bigint generated always as identity unique,
  login text not null unique,
  role text not null check (role in ('admin', 'member')),
  max_live_runs integer check (max_live_runs > 0),
  created_at timestamptz not null default now()
);

-- AES-256-GCM; the row's id is the associated data, so a ciphertext cannot be moved to another row.
create table secrets (
  id uuid primary key,
  owner_id uuid not null references users,
  key_id text not null,
  nonce bytea not null,
  ciphertext bytea not null,
  created_at timestamptz not null default now()
);

create table repositories (
  id uuid primary key,
  canonical_url text not null unique,
  max_live_runs integer check (max_live_runs > 0),
  created_at timestamptz not null default now()
);

-- A worker is a data folder that a process works in; the process holds a session lock on its id.
create table workers (
  id uuid primary key,
  host text not null,
  version text not null,
  started_at timestamptz not null default now()
);

create table blobs (
  id uuid primary key,
  owner_id uuid not null references users,
  kind text not null check (kind in ('bundle', 'patch', 'output')),
  sha256 text not null,
  bytes bigint not null,
  created_at timestamptz not null default now()
);

create table workspaces (
  id uuid primary key,
  number bigint generated always as identity unique,
  owner_id uuid not null references users,
  project_id uuid,
  repository_id uuid not null references repositories,
  -- Whose disk holds the tree; null: nobody's, the bundle alone.
  worker_id uuid references workers,
  base_branch text,
  base_commit text,
  head_commit text,
  pushed_commit text,
  session text,
  bundle_blob_id uuid references blobs,
  created_at timestamptz not null default now(),
  used_at timestamptz not null default now(),
  expires_at timestamptz
);

create table tasks (
  id uuid primary key,
  number bigint generated always as identity unique,
  owner_id uuid not null references users,
  project_id uuid,
  source text not null,
  kind text not null check (kind in ('code', 'plan', 'review', 'pr_review')),
  repository_id uuid not null references repositories,
  repository_url text not null,
  prompt text not null,
  current_prompt text,
  options jsonb not null,
  publish text not null check (publish in ('manual', 'branch')),
  callback_url text,
  provider_key text,
  access_token_id uuid references secrets,
  state text not null check (state in ('draft', 'pending', 'cloning', 'running', 'paused', 'waiting_for_user',
    'completed', 'reviewing', 'awaiting_instruction', 'creating_pr', 'pr_created', 'failed', 'cancelled')),
  iteration integer not null default 1,
  workspace_id uuid not null references workspaces,
  -- Where the work is pushed to; stored before the first push.
  branch text,
  result text,
  failure jsonb,
  changes jsonb,
  patch_blob_id uuid references blobs,
  duration_ms bigint not null default 0,
  trace_id text not null,
  cancel_requested_at timestamptz,
  pause_requested_at timestamptz,
  deadline_at timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  constraint task_deadline check (
    deadline_at is not null or state in ('completed', 'pr_created', 'failed', 'cancelled'))
);
create index tasks_by_owner on tasks (owner_id, number desc);
-- Counts by state, of one owner or of all, are read from it alone.
create index tasks_by_state on tasks (state, owner_id, number desc);
create index tasks_by_deadline on tasks (deadline_at)
  where state not in ('completed', 'pr_created', 'failed', 'cancelled');

create table runs (
  id uuid primary key,
  number bigint generated always as identity unique,
  task_id uuid not null references tasks,
  owner_id uuid not null references users,
  repository_id uuid not null references repositories,
  workspace_id uuid not null references workspaces,
  kind text not null check (kind in ('code', 'plan', 'review', 'pr_review')),
  iteration integer not null,
  attempt integer not null,
  cause text not null check (cause in ('first', 'follow_up', 'review', 'retry', 'lost', 'resumed')),
  prompt text not null,
  queue text not null check (queue in ('tasks', 'reviews', 'follow_ups')),
  priority integer not null default 0,
  requires text[] not null default '{}',
  state text not null check (state in ('queued', 'preparing', 'running', 'collecting', 'succeeded', 'failed',
    'cancelled', 'lost', 'parked')),
  available_at timestamptz not null default now(),
  holder uuid references workers,
  generation integer not null default 0,
  lease_until timestamptz,
  deadline_at timestamptz,
  time_left_ms bigint not null,
  -- Up to which byte the agent's output has become events.
  output_at bigint not null default 0,
  exit jsonb,
  agent text not null,
  agent_version text,
  session text,
  commit text,
  bundle_blob_id uuid references blobs,
  changes jsonb,
  result text,
  failure jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  unique (task_id, iteration, kind, attempt),
  constraint run_deadline check (
    deadline_at is not null or state in ('succeeded', 'failed', 'cancelled', 'lost', 'parked')),
  constraint run_lease check (
    state not in ('preparing', 'running', 'collecting') or (holder is not null and lease_until is not null))
);
create unique index one_live_run on runs (workspace_id) where state in ('preparing', 'running', 'collecting');
create index runs_queued on runs (queue, priority desc, number) where state = 'queued';
create index runs_live on runs (lease_until) where state in ('preparing', 'running', 'collecting');
create index runs_deadline on runs (deadline_at) where state in ('queued', 'preparing', 'running', 'collecting');
create index runs_waiting_by_task on runs (task_id, number) where state = 'queued';

create table streams (
  id uuid primary key,
  last_seq bigint not null default 0
);

-- `id` is drawn while the stream's row is locked, so within a stream it rises as `seq` does.
create table events (
  id bigint generated always as identity,
  stream_id uuid not null references streams,
  seq bigint not null,
  run_id uuid,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  version smallint not null default 1,
  data jsonb not null,
  blob_id uuid references blobs,
  primary key (stream_id, id)
);
create unique index events_by_seq on events (stream_id, seq);

create table effects (
  id uuid primary key,
  owner_id uuid not null references users,
  task_id uuid not null references tasks,
  run_id uuid references runs,
  kind text not null check (kind in ('push')),
  key text not null unique,
  payload jsonb not null,
  outcome jsonb,
  state text not null check (state in ('waiting', 'leased', 'done', 'failed', 'dropped')),
  available_at timestamptz not null default now(),
  attempts integer not null default 0,
  holder uuid references workers,
  generation integer not null default 0,
  lease_until timestamptz,
  deadline_at timestamptz,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  constraint effect_deadline check (deadline_at is not null or state in ('done', 'failed', 'dropped')),
  constraint effect_lease check (state <> 'leased' or (holder is not null and lease_until is not null))
);
create index effects_open on effects (available_at) where state in ('waiting', 'leased');
create index effects_by_task on effects (task_id);

create table idempotency_keys (
  owner_id uuid not null references users,
  route text not null,
  key text not null,
  body_hash text not null,
  task_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (owner_id, route, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

create table duties (
  name text primary key,
  next_at timestamptz not null default now()
);

-- Lost with a crash, on purpose: a limit that forgets is cheaper than one that is durable.
create unlogged table rate_limits (
  key text primary key,
  full_at timestamptz not null
);

create table task_transitions (source text not null, target text not null, primary key (source, target));
insert into task_transitions values
  ('draft', 'pending'), ('draft', 'cancelled'),
  ('pending', 'cloning'), ('pending', 'failed'), ('pending', 'cancelled'),
  ('cloning', 'running'), ('cloning', 'failed'), ('cloning', 'cancelled'),
  ('running', 'completed'), ('running', 'failed'), ('running', 'cancelled'), ('running', 'paused'),
  ('running', 'waiting_for_user'),
  ('paused', 'awaiting_instruction'), ('paused', 'failed'), ('paused', 'cancelled'),
  ('waiting_for_user', 'running'), ('waiting_for_user', 'awaiting_instruction'),
  ('waiting_for_user', 'failed'), ('waiting_for_user', 'cancelled'),
  ('completed', 'awaiting_instruction'), ('completed', 'creating_pr'), ('completed', 'reviewing'),
  ('reviewing', 'completed'), ('reviewing', 'failed'),
  ('awaiting_instruction', 'running'), ('awaiting_instruction', 'reviewing'),
  ('awaiting_instruction', 'failed'), ('awaiting_instruction', 'cancelled'),
  ('creating_pr', 'pr_created'), ('creating_pr', 'completed'), ('creating_pr', 'failed'),
  ('pr_created', 'awaiting_instruction'), ('pr_created', 'completed'),
  ('failed', 'pending'), ('failed', 'creating_pr'),
  ('cancelled', 'pending');

create table run_transitions (source text not null, target text not null, primary key (source, target));
insert into run_transitions values
  ('queued', 'preparing'), ('queued', 'cancelled'),
  ('preparing', 'running'), ('preparing', 'failed'), ('preparing', 'cancelled'), ('preparing', 'lost'),
  ('preparing', 'parked'),
  ('running', 'collecting'), ('running', 'failed'), ('running', 'cancelled'), ('running', 'lost'),
  ('running', 'parked'),
  ('collecting', 'succeeded'), ('collecting', 'failed'), ('collecting', 'cancelled'),
  ('collecting', 'lost'), ('collecting', 'parked');

create function refuse_task_transition() returns trigger language plpgsql as $$
begin
  if not exists (select from task_transitions where source = old.state and target = new.state) then
    raise exception 'task % cannot go from % to %', old.id, old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger task_transition before update of state on tasks
  for each row when (old.state is distinct from new.state) execute function refuse_task_transition();

create function refuse_run_transition() returns trigger language plpgsql as $$
begin
  if not exists (select from run_transitions where source = old.state and target = new.state) then
    raise exception 'run % cannot go from % to %', old.id, old.state, new.state using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger run_transition before update of state on runs
  for each row when (old.state is distinct from new.state) execute function refuse_run_transition();

-- "An ended row never changes": no update at all once the run is over.
create function refuse_ended_run_change() returns trigger language plpgsql as $$
begin
  raise exception 'run % has ended as %', old.id, old.state using errcode = 'check_violation';
end $$;
create trigger run_ended before update on runs
  for each row when (old.state in ('succeeded', 'failed', 'cancelled', 'lost', 'parked'))
  execute function refuse_ended_run_change();
