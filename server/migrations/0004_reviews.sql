-- Reviews: what agents found in work, and bringing it to where people discuss the work.

alter table effects drop constraint effects_kind_check;
alter table effects add constraint effects_kind_check check (kind in ('push', 'pull_request', 'callback', 'review'));

-- Tokens for Sentry are kept as those of forges are.
alter table keys drop constraint keys_provider_check;
alter table keys add constraint keys_provider_check check (provider in ('github', 'gitlab', 'sentry', 'ssh'));

-- A review of finished work: it takes the task from completed to reviewing and back, and is none of its iterations.
alter table runs add column aside boolean not null default false;
-- What a run that reviews came to; written with its end.
alter table runs add column review jsonb;
-- Of a review that somebody asked for: null is the task's own model.
alter table runs add column model text;
-- Where the count of attempts begins: finished work can be reviewed again and again.
alter table runs add column first_attempt integer not null default 1;

-- The run that the task's review is from.
alter table tasks add column review_run_id uuid references runs;
-- What the task's branch was pushed at last. Tasks can share a workspace, and each has its own branch.
alter table tasks add column pushed_commit text;
update tasks set pushed_commit = workspaces.pushed_commit
  from workspaces where workspaces.id = tasks.workspace_id and tasks.branch is not null;
alter table workspaces drop column pushed_commit;

-- Whose conversation `session` is: another task in the same workspace does not go on with it.
alter table workspaces add column session_task_id uuid references tasks;
update workspaces set session_task_id = tasks.id
  from tasks where tasks.workspace_id = workspaces.id and workspaces.session is not null;
create index tasks_by_workspace on tasks (workspace_id);
create index runs_by_workspace on runs (workspace_id);

-- The task whose parked run's tree the workspace has; nobody else begins in it before that has an end.
alter table workspaces add column parked_task_id uuid references tasks;
-- `worker_id` names the disk with the tree that the last run left whole: a run that starts takes the name away, one
-- that ends well or is parked puts it back. Until now a run only named its disk, however it ended.
with last as (
  select distinct on (workspace_id) workspace_id, task_id, state
  from runs where started_at is not null order by workspace_id, number desc
)
update workspaces set
  worker_id = case when last.state in ('succeeded', 'parked') then worker_id end,
  parked_task_id = case when last.state = 'parked' or snapshot_commit is not null then last.task_id end
  from last where last.workspace_id = workspaces.id;
update workspaces set parked_task_id = null, worker_id = null, snapshot_commit = null, snapshot_blob_id = null
  from tasks where tasks.id = parked_task_id and tasks.state in ('failed', 'cancelled');
create index workspaces_parked on workspaces (parked_task_id) where parked_task_id is not null;
