import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { sql } from 'kysely';
import type { NewEvent } from '../../src/domain/event.ts';
import type { RunState } from '../../src/domain/run-state.ts';
import type { TaskState } from '../../src/domain/task-state.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { claimRun, type ClaimedRun, type ClaimLimits } from '../../src/store/claim-run.ts';
import { insertTask, type NewTask } from '../../src/store/create-task.ts';
import type { Database } from '../../src/store/database.ts';
import { finishRun, type Success } from '../../src/store/finish-run.ts';
import { recordExit, startRun } from '../../src/store/move-run.ts';
import { ensureAdministrator, ensureRepository, ensureWorker } from '../../src/store/owners.ts';
import { testDatabase } from './database.ts';

/** A database with an owner, a repository and a worker, as the store's tests need them. */
export type Stage = {
  readonly database: Database;
  readonly ownerId: string;
  readonly repositoryId: string;
  readonly workerId: string;
};

export const baseCommit = 'b'.repeat(40);
export const workCommit = 'c'.repeat(40);
export const noLimits: ClaimLimits = { perRepository: 1_000_000, perOwner: 1_000_000 };

export async function setStage(t: TestContext, poolSize?: number): Promise<Stage> {
  return furnish(await testDatabase(t, poolSize));
}

/** What every row refers to. */
export async function furnish(database: Database): Promise<Stage> {
  const workerId = systemIds.ordered();
  await ensureWorker(database, { id: workerId, host: 'here', version: '0' });
  return {
    database,
    workerId,
    ownerId: await ensureAdministrator(database, systemIds),
    repositoryId: await ensureRepository(database, systemIds, 'https://forge.example/ada/project'),
  };
}

/** One more user; nobody's administrator. */
export async function addOwner({ database }: Stage, login: string, maxLiveRuns?: number): Promise<string> {
  const id = systemIds.ordered();
  await database.kysely
    .insertInto('users')
    .values({ id, login, role: 'member', max_live_runs: maxLiveRuns ?? null })
    .execute();
  return id;
}

export type StoredTask = {
  readonly taskId: string;
  readonly workspaceId: string;
  readonly runId: string;
};

/** A task with its first run queued; what is not given does not matter to the test. */
export function newTask(
  stage: Pick<Stage, 'ownerId' | 'repositoryId'>,
  more: Partial<NewTask> = {},
): NewTask {
  return {
    taskId: systemIds.random(),
    workspaceId: systemIds.ordered(),
    runId: systemIds.ordered(),
    ownerId: stage.ownerId,
    repositoryId: stage.repositoryId,
    repositoryUrl: 'https://forge.example/ada/project.git',
    source: 'test',
    kind: 'code',
    prompt: 'mend it',
    options: { agent: 'script', timeoutSeconds: 60, command: 'true' },
    publish: 'manual',
    callbackUrl: null,
    providerKey: null,
    accessToken: null,
    traceId: 'trace',
    priority: 0,
    pendingSeconds: 3_600,
    idempotency: null,
    ...more,
  };
}

export async function storeTask(stage: Stage, more: Partial<NewTask> = {}): Promise<StoredTask> {
  const task = newTask(stage, more);
  assert.ok(await insertTask(stage.database, task), 'the task was not stored');
  return task;
}

/** `count` queued tasks at once, as `insertTask` makes them; for tests of plans and of many claimers. */
export async function storeManyTasks(stage: Stage, count: number): Promise<void> {
  await sql`
    with numbers as (
      select gen_random_uuid() as task, gen_random_uuid() as workspace, gen_random_uuid() as run, n
      from generate_series(1, ${count}::int) n
    ), workspace as (
      insert into workspaces (id, owner_id, repository_id)
      select workspace, ${stage.ownerId}::uuid, ${stage.repositoryId}::uuid from numbers
    ), task as (
      insert into tasks (id, owner_id, source, kind, repository_id, repository_url, prompt, options, publish, state,
        workspace_id, trace_id, deadline_at)
      select task, ${stage.ownerId}::uuid, 'test', 'code', ${stage.repositoryId}::uuid, 'https://forge.example/x',
        repeat('mend it ', 60), '{"agent":"script","timeoutSeconds":60}', 'manual', 'pending', workspace, 'trace',
        now() + interval '1 day'
      from numbers
    ), stream as (insert into streams (id, last_seq) select task, 1 from numbers
    ), event as (insert into events (stream_id, seq, type, data) select task, 1, 'task_created', '{}' from numbers)
    insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, cause, prompt,
      queue, priority, state, deadline_at, time_left_ms, agent)
    select run, task, ${stage.ownerId}::uuid, ${stage.repositoryId}::uuid, workspace, 'code', 1, 1, 'first', 'mend it',
      'tasks', 0, 'queued', now() + interval '1 day', 60000, 'script'
    from numbers order by n`.execute(stage.database.kysely);
}

/** The next queued run, claimed by this worker. */
export async function claimNext(
  stage: Stage,
  options: { readonly limits?: ClaimLimits; readonly capabilities?: readonly string[] } = {},
): Promise<ClaimedRun | undefined> {
  return claimRun(stage.database, stage.workerId, 'tasks', {
    capabilities: options.capabilities ?? ['script'],
    limits: options.limits ?? noLimits,
  });
}

/** A fresh task whose run is in the given live state. */
export async function storeLiveRun(
  stage: Stage,
  state: 'preparing' | 'running' | 'collecting',
  more: Partial<NewTask> = {},
): Promise<ClaimedRun> {
  // Above all others, so that a retry of an earlier one that is due by now is not claimed in its place.
  const row = await stage.database.kysely
    .selectFrom('runs')
    .select((all) => all.fn.max('priority').as('highest'))
    .executeTakeFirst();
  const { runId } = await storeTask(stage, { priority: (row?.highest ?? 0) + 1, ...more });
  const run = await claimNext(stage);
  assert.equal(run?.runId, runId);
  if (state !== 'preparing') assert.ok(await start(stage, run));
  if (state === 'collecting') assert.ok(await recordExit(stage.database, run, exitRecord));
  return { ...run, state };
}

export const exitRecord = { reason: 'exited', code: 0 };

export async function start(
  stage: Stage,
  run: ClaimedRun,
  events: readonly NewEvent[] = [],
): Promise<boolean> {
  const workspace = {
    workspaceId: run.workspaceId,
    baseBranch: 'main',
    baseCommit,
  };
  return startRun(stage.database, run, workspace, events);
}

/** A successful end with work; with `push` it is delivered to that branch. */
export function successOf(push?: string): Success {
  const blob = (): { id: string; sha256: string; bytes: number } => ({
    id: systemIds.ordered(),
    sha256: '0'.repeat(64),
    bytes: 1,
  });
  return {
    result: 'done',
    durationMs: 1_500,
    work: {
      commit: workCommit,
      bundle: blob(),
      patch: blob(),
      changes: { filesModified: 1, filesCreated: 0, filesDeleted: 0, insertions: 1, deletions: 1 },
      files: { files: [{ path: 'README.md', status: 'modified' }], more: 0 },
    },
    push:
      push === undefined
        ? undefined
        : { effectId: systemIds.ordered(), branch: push, expected: null, pullRequest: undefined },
  };
}

/** A task in `creating_pr` whose push waits. */
export async function storeWaitingPush(stage: Stage, branch = 'codeforge/mend-it'): Promise<ClaimedRun> {
  const run = await storeLiveRun(stage, 'collecting', { publish: 'branch' });
  assert.ok(await finishRun(stage.database, run, successOf(branch)));
  return run;
}

export async function taskState({ database }: Stage, taskId: string): Promise<TaskState> {
  const row = await database.kysely
    .selectFrom('tasks')
    .select('state')
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  return row.state;
}

export type RunRow = {
  readonly id: string;
  readonly state: RunState;
  readonly attempt: number;
  readonly cause: string;
  readonly generation: number;
};

/** All runs of a task, oldest first. */
export async function runsOf({ database }: Stage, taskId: string): Promise<readonly RunRow[]> {
  return database.kysely
    .selectFrom('runs')
    .select(['id', 'state', 'attempt', 'cause', 'generation'])
    .where('task_id', '=', taskId)
    .orderBy('number')
    .execute();
}

/** The types of a task's events, in order; asserts on the way that their numbers have no gap. */
export async function eventTypes({ database }: Stage, taskId: string): Promise<readonly string[]> {
  const rows = await database.kysely
    .selectFrom('events')
    .select(['seq', 'type'])
    .where('stream_id', '=', taskId)
    .orderBy('id')
    .execute();
  assert.deepEqual(
    rows.map((row) => row.seq),
    rows.map((_row, index) => index + 1),
  );
  return rows.map((row) => row.type);
}

/** A picture of everything that is stored about a task, to show that a refused change left nothing behind. */
export async function pictureOf({ database }: Stage, taskId: string): Promise<string> {
  const result = await sql<{ picture: unknown }>`
    select jsonb_build_object(
      'task', (select to_jsonb(tasks) from tasks where id = ${taskId}),
      'runs', (select jsonb_agg(to_jsonb(runs) order by number) from runs where task_id = ${taskId}),
      'workspace', (select to_jsonb(w) from workspaces w join tasks t on t.workspace_id = w.id where t.id = ${taskId}),
      'stream', (select to_jsonb(streams) from streams where id = ${taskId}),
      'events', (select jsonb_agg(to_jsonb(events) order by id) from events where stream_id = ${taskId}),
      'effects', (select jsonb_agg(to_jsonb(effects) order by id) from effects where task_id = ${taskId}),
      'blobs', (select count(*) from blobs)) as picture`.execute(database.kysely);
  return JSON.stringify(result.rows[0]?.picture);
}

/** Lets time pass for one row: what stands there as a time becomes so many seconds earlier. */
export async function age(
  { database }: Stage,
  table: 'runs' | 'tasks' | 'effects',
  column: 'lease_until' | 'deadline_at' | 'available_at',
  row: { readonly id: string; readonly seconds: number },
): Promise<void> {
  await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${sql.ref(column)} - make_interval(secs => ${row.seconds})
    where id = ${row.id}`.execute(database.kysely);
}
