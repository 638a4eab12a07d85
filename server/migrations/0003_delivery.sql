-- Delivery: pull requests, callbacks, and the keys that they need.

alter table tasks drop constraint tasks_publish_check;
alter table tasks add constraint tasks_publish_check check (publish in ('manual', 'branch', 'pull_request'));
-- The pull request that the task's branch has; a later one takes the place of one that was closed or merged.
alter table tasks add column pull_request_number integer;
alter table tasks add column pull_request_url text;

alter table effects drop constraint effects_kind_check;
alter table effects add constraint effects_kind_check check (kind in ('push', 'pull_request', 'callback'));
-- The list of deliveries, newest first.
create index effects_deliveries on effects (owner_id, created_at desc, id) where kind = 'callback';
create index effects_all_deliveries on effects (created_at desc, id) where kind = 'callback';
-- Counted by every scrape of the metrics.
create index effects_failed on effects (kind) where state = 'failed';

-- Tokens for forges and keys for git, by a name that tasks give.
create table keys (
  id uuid primary key,
  owner_id uuid not null references users,
  name text not null,
  provider text not null check (provider in ('github', 'gitlab', 'ssh')),
  -- An owner or `owner/repository` that the key is for; of `ssh` a host, with or without a path. Empty: all.
  scope text not null default '',
  secret_id uuid not null references secrets,
  created_at timestamptz not null default now(),
  unique (owner_id, name)
);
-- Secrets are sealed anew when the encryption key is rotated.
create index secrets_by_key on secrets (key_id);
