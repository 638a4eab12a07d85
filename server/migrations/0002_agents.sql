-- Agents that call a model: what they spend, what they ask, their conversations.

alter table tasks add column ai_key_id uuid references secrets;

-- What an instruction's key was answered with, so that its repetition is answered with the same.
alter table idempotency_keys add column iteration integer;

-- The run's spool has been read up to `output_at`; `notices_at` counts the lines of its notices that have become events.
alter table runs add column notices_at integer not null default 0;
alter table runs add column stop_reason text;
-- Its agent is being put away, since its question has waited for long.
alter table runs add column parking boolean not null default false;

-- A finished run's conversation files, so that its session goes on on another host.
alter table blobs drop constraint blobs_kind_check;
alter table blobs add constraint blobs_kind_check check (kind in ('bundle', 'patch', 'output', 'session'));
alter table workspaces add column session_blob_id uuid references blobs;
-- The agent whose conversation `session` is: another one cannot go on with it.
alter table workspaces add column session_agent text;
-- A parked run's tree, uncommitted work included: a commit on top of `head_commit` (or of the base).
alter table workspaces add column snapshot_commit text;
alter table workspaces add column snapshot_blob_id uuid references blobs;

-- The ledger: deltas, appended only, in the statement that records the line which told of them.
create table spend (
  run_id uuid not null references runs,
  seq integer not null,
  task_id uuid not null references tasks,
  owner_id uuid not null references users,
  session text,
  model text not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  microdollars bigint not null,
  at timestamptz not null default now(),
  primary key (run_id, seq)
);
create index spend_by_task on spend (task_id);

create function refuse_spend_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is appended to, never changed' using errcode = 'check_violation';
end $$;
create trigger spend_is_final before update on spend
  for each row execute function refuse_spend_change();

-- A question of an agent to a person.
create table approvals (
  id uuid primary key,
  number bigint generated always as identity unique,
  owner_id uuid not null references users,
  task_id uuid not null references tasks,
  run_id uuid not null references runs,
  -- The agent's own id of its request.
  request_id text not null,
  kind text not null check (kind in ('tool')),
  tool text not null,
  summary text not null,
  arguments jsonb not null,
  -- The same question, asked again by a run that was resumed, finds the answer by it.
  arguments_hash text not null,
  state text not null check (state in ('waiting', 'allowed', 'denied', 'expired', 'dropped')),
  reason text,
  expires_at timestamptz not null,
  decided_by uuid references users,
  decided_at timestamptz,
  created_at timestamptz not null default now(),
  unique (run_id, request_id),
  constraint approval_decided check ((state = 'waiting') = (decided_at is null))
);
create index approvals_by_task on approvals (task_id, number);
create index approvals_waiting on approvals (expires_at) where state = 'waiting';

create function refuse_approval_change() returns trigger language plpgsql as $$
begin
  raise exception 'approval % has been decided: %', old.id, old.state using errcode = 'check_violation';
end $$;
create trigger approval_is_final before update of state on approvals
  for each row when (old.state <> 'waiting') execute function refuse_approval_change();
