-- API keys, the test command, and what the Codebot document shows of a task.

-- Whatever a caller proves who they are with. Only a hash is kept: each is 256 random bits, so SHA-256 is enough.
create table credentials (
  id uuid primary key,
  number bigint generated always as identity unique,
  owner_id uuid not null references users,
  kind text not null check (kind in ('api_key')),
  name text not null,
  hash bytea not null unique,
  -- Its last characters, by which people tell one from another.
  hint text not null,
  abilities text[] not null,
  created_by uuid not null references users,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  used_at timestamptz
);
create unique index credentials_by_name on credentials (owner_id, kind, name) where revoked_at is null;

-- Where its workspaces lie on its host.
alter table workers add column workspaces_folder text;

-- The test command has a run of its own; one that failed may give the agent another.
alter table runs drop constraint runs_kind_check;
alter table runs add constraint runs_kind_check check (kind in ('code', 'plan', 'review', 'pr_review', 'test'));
alter table runs drop constraint runs_cause_check;
alter table runs add constraint runs_cause_check check (cause in
  ('first', 'follow_up', 'review', 'retry', 'lost', 'resumed', 'test', 'test_failed'));
-- The files that a run changed, by name: the first of them, and how many more.
alter table runs add column files jsonb;
-- What came of the test command last.
alter table tasks add column tests jsonb;
