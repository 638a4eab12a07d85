import type { TaskOptions, PublishMode } from '../domain/options.ts';
import type { TestOutcome } from '../domain/test-outcome.ts';
import type { LiveRunState, RunCause, RunKind, RunQueue, TaskKind } from '../domain/run-state.ts';
import { deadlineSeconds, leaseSeconds } from '../domain/deadlines.ts';
import type { Database } from './database.ts';
import { ownWork, startColumns, treeColumns } from './own-work.ts';

/** A run that this worker holds, with what it needs of its task and workspace. */
export type ClaimedRun = {
  readonly runId: string;
  readonly generation: number;
  readonly state: LiveRunState;
  readonly taskId: string;
  readonly ownerId: string;
  readonly kind: RunKind;
  readonly taskKind: TaskKind;
  /** A review of finished work, between `completed` and `completed`. */
  readonly aside: boolean;
  readonly queue: RunQueue;
  readonly iteration: number;
  readonly attempt: number;
  /** Where the count of its attempts begins. */
  readonly firstAttempt: number;
  readonly cause: RunCause;
  readonly prompt: string;
  readonly outputAt: number;
  readonly timeLeftMs: number;
  readonly exit: unknown;
  readonly agent: string;
  /** Of a review that somebody asked for; null: the task's. */
  readonly model: string | null;
  /** When it could begin, and when it was claimed. */
  readonly availableAt: Date;
  readonly startedAt: Date;
  readonly traceId: string;
  readonly repositoryId: string;
  readonly repositoryUrl: string;
  readonly options: TaskOptions;
  readonly publish: PublishMode;
  readonly accessTokenId: string | null;
  /** The name of a stored key of the owner's. */
  readonly providerKey: string | null;
  /** The task's own key to the model. */
  readonly aiKeyId: string | null;
  /** The MCP servers of the task's own. */
  readonly mcpSecretId: string | null;
  /** The workflow run that waits for the task. */
  readonly workflowRunId: string | null;
  readonly branch: string | null;
  readonly cancelRequested: boolean;
  /** A question of the agent waits for a person. */
  readonly waiting: boolean;
  /** The agent is being put away: however it ended, the run is to be parked. */
  readonly parking: boolean;
  readonly agentVersion: string | null;
  readonly noticesAt: number;
  /** What the tests of this iteration's work found, where the agent is to mend it; null: there is nothing of the kind. */
  readonly failedTests: TestOutcome | null;
  /** How many runs of this iteration were parked: none of them was a failed attempt. */
  readonly parkedBefore: number;
  readonly workspaceId: string;
  readonly workspaceNumber: number;
  readonly baseBranch: string | null;
  readonly baseCommit: string | null;
  /** What was made here last; of a review of the task's work, what the task made. */
  readonly headCommit: string | null;
  /** What was made here last, the task itself has made. */
  readonly ownsHead: boolean;
  /** What the task's branch was pushed at last. */
  readonly pushedCommit: string | null;
  /** Whose disk holds a tree that the run can go on in. */
  readonly treeWorkerId: string | null;
  /** The conversation of the last run here that ended well or was parked, and whose it is. */
  readonly session: string | null;
  readonly sessionTaskId: string | null;
  readonly sessionAgent: string | null;
  readonly sessionBlobId: string | null;
  readonly bundleBlobId: string | null;
  /** A parked run's tree: a commit with what was not committed, on top of the agent's own. */
  readonly snapshotCommit: string | null;
  readonly snapshotBlobId: string | null;
};

export type ClaimLimits = {
  /** Live runs per repository and per owner where their own rows set no limit. */
  readonly perRepository: number;
  readonly perOwner: number;
};

/** Any number that nobody else takes: claims are made one at a time, so that limits are exact. */
const claimLock = 7_302_115;

const claimedColumns = `
  run.id as "runId", run.generation, run.state, run.task_id as "taskId", run.owner_id as "ownerId", run.kind, run.queue,
  task.kind as "taskKind", run.aside, run.first_attempt as "firstAttempt", run.model, run.iteration, run.attempt,
  run.cause, run.prompt, run.output_at as "outputAt",
  run.time_left_ms as "timeLeftMs", run.exit, run.agent, run.available_at as "availableAt", run.started_at as "startedAt",
  task.trace_id as "traceId",
  run.repository_id as "repositoryId", task.repository_url as "repositoryUrl", task.options, task.publish, task.access_token_id as "accessTokenId",
  task.provider_key as "providerKey", task.ai_key_id as "aiKeyId",
  task.mcp_secret_id as "mcpSecretId", task.workflow_run_id as "workflowRunId", task.branch, task.cancel_requested_at is not null as "cancelRequested",
  task.state = 'waiting_for_user' as waiting, run.parking, run.agent_version as "agentVersion", run.notices_at as "noticesAt",
  case when run.kind = 'code' and exists (select from runs tested where tested.task_id = run.task_id
    and tested.iteration = run.iteration and tested.kind = 'test' and tested.state = 'succeeded')
    then task.tests end as "failedTests",
  (select count(*)::int from runs earlier where earlier.task_id = run.task_id and earlier.iteration = run.iteration
    and earlier.kind = run.kind and earlier.attempt >= run.first_attempt and earlier.state = 'parked') as "parkedBefore",
  workspace.id as "workspaceId", workspace.number as "workspaceNumber",
  workspace.base_branch as "baseBranch", workspace.base_commit as "baseCommit",
  ${startColumns}, ${treeColumns}, task.pushed_commit as "pushedCommit",
  workspace.session, workspace.session_task_id as "sessionTaskId", workspace.session_agent as "sessionAgent",
  workspace.session_blob_id as "sessionBlobId",
  workspace.snapshot_commit as "snapshotCommit", workspace.snapshot_blob_id as "snapshotBlobId"`;

/**
 * Takes the best queued run of a queue: highest priority first, oldest first within it. None whose workspace has
 * a live run (a unique index says the same) or another task's that is parked; whose task is being cancelled, or
 * waits for another kind of run (a review goes before the instructions that wait); whose earlier instruction still
 * waits; or whose repository or owner is at its limit (who waits for a person takes none of it). What is full is
 * counted once, not for each row looked at: with everything full and 40,000 queued, 25 ms instead of 1,100.
 *
 * The advisory lock is a statement of its own: the claim's snapshot is then taken under it and counts are exact
 * (without it a limit of 2 let 4 through). It scans `runs_queued`, which holds queued rows only, in just this order.
 */
const claimText = `
  with live as materialized (
    select runs.repository_id, runs.owner_id from runs join tasks on tasks.id = runs.task_id
    where runs.state in ('preparing', 'running', 'collecting') and tasks.state <> 'waiting_for_user'
  ), full_repositories as materialized (
    select live.repository_id as id from live join repositories on repositories.id = live.repository_id
    group by live.repository_id, repositories.max_live_runs
    having count(*) >= coalesce(repositories.max_live_runs, $4)
  ), full_owners as materialized (
    select live.owner_id as id from live join users on users.id = live.owner_id
    group by live.owner_id, users.max_live_runs
    having count(*) >= coalesce(users.max_live_runs, $5)
  ), kept_out as materialized (
    select tasks.id from workspaces join tasks on tasks.workspace_id = workspaces.id
    where workspaces.parked_task_id is not null and tasks.id <> workspaces.parked_task_id
  ), picked as (
    select r.id
    from runs r join tasks t on t.id = r.task_id
    where r.state = 'queued' and r.queue = $2 and r.available_at <= now() and r.requires <@ $3::text[]
      and r.repository_id not in (select id from full_repositories)
      and r.owner_id not in (select id from full_owners)
      and (case when r.aside then t.state = 'reviewing'
        else t.state in ('pending', 'cloning', 'running', 'awaiting_instruction') end)
      and t.cancel_requested_at is null
      and not exists (select from runs l where l.workspace_id = r.workspace_id
        and l.state in ('preparing', 'running', 'collecting'))
      and r.task_id not in (select id from kept_out)
      and not exists (select from runs e where e.task_id = r.task_id and e.state = 'queued'
        and (e.iteration, e.number) < (r.iteration, r.number))
    order by r.priority desc, r.number
    limit 1
    for update of t, r skip locked
  ), run as (
    update runs set state = 'preparing', holder = $1, generation = runs.generation + 1, started_at = now(),
      lease_until = now() + make_interval(secs => $6), deadline_at = now() + make_interval(secs => $7)
    from picked where runs.id = picked.id
    returning runs.*
  ), task as (
    update tasks set state = case when tasks.state = 'pending' then 'cloning' else tasks.state end,
      started_at = coalesce(tasks.started_at, now()), deadline_at = now() + make_interval(secs => $8)
    from run where tasks.id = run.task_id
    returning tasks.*
  )
  select ${claimedColumns}
  from run join task on true join workspaces workspace on workspace.id = run.workspace_id ${ownWork}`;

/** Returns the run, now `preparing` under this worker's lease, or undefined where nothing may start. */
export async function claimRun(
  database: Database,
  workerId: string,
  queue: RunQueue,
  options: { readonly capabilities: readonly string[]; readonly limits: ClaimLimits },
): Promise<ClaimedRun | undefined> {
  return database.hotTransaction(async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [claimLock]);
    const result = await client.query<ClaimedRun>({
      name: 'claim-run',
      text: claimText,
      values: [
        workerId,
        queue,
        options.capabilities,
        options.limits.perRepository,
        options.limits.perOwner,
        leaseSeconds,
        deadlineSeconds.preparing,
        deadlineSeconds.pending,
      ],
    });
    return result.rows[0];
  });
}

/**
 * A worker takes the runs back that it holds by the record and that nobody of this process attends to: at
 * boot those of its predecessor, later those whose claim was answered into a connection that broke. A new
 * generation sees to it that nothing written under the old one can arrive late.
 */
const retakeText = `
  with run as (
    update runs set generation = generation + 1, lease_until = now() + make_interval(secs => $2)
    where holder = $1 and state in ('preparing', 'running', 'collecting') and id <> all($3::uuid[])
    returning *
  )
  select ${claimedColumns}
  from run join tasks task on task.id = run.task_id join workspaces workspace on workspace.id = run.workspace_id
    ${ownWork}`;

/** `attended`: the runs that this process is at work on; they stay as they are. */
export async function retakeOwnRuns(
  database: Database,
  workerId: string,
  attended: readonly string[] = [],
): Promise<readonly ClaimedRun[]> {
  return database.statement<ClaimedRun>({ name: 'retake-runs', text: retakeText }, [
    workerId,
    leaseSeconds,
    attended,
  ]);
}
