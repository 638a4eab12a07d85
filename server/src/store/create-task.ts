import type { TaskOptions, PublishMode } from '../domain/options.ts';
import { queueOf, type TaskKind } from '../domain/run-state.ts';
import { createGatherer } from '../lib/gather.ts';
import { jsonText } from './append-events.ts';
import { isDatabaseAway, type Database, type HotStatement } from './database.ts';
import { hasRoom, wasFull } from './queue-room.ts';

/** A batch is bounded, so that a statement stays short whatever waits. */
const itemsPerBatch = 64;
/** While one is flushed, the next can be read and executed. */
const batchesAtOnce = 2;

export type NewTask = {
  readonly taskId: string;
  readonly workspaceId: string;
  /** The workspace is there already, and another task's. */
  readonly sharesWorkspace?: boolean;
  readonly runId: string;
  readonly ownerId: string;
  readonly repositoryId: string;
  readonly repositoryUrl: string;
  readonly source: string;
  readonly kind: TaskKind;
  readonly prompt: string;
  readonly options: TaskOptions;
  readonly publish: PublishMode;
  readonly callbackUrl: string | null;
  readonly providerKey: string | null;
  readonly accessToken: SealedSecret | null;
  /** The task's own key to the model. */
  readonly aiKey?: SealedSecret;
  /** The MCP servers that it brought, with those of its tools. */
  readonly mcpServers?: SealedSecret;
  /** The workflow run that it is a step of. */
  readonly workflow?: WorkflowPlace;
  readonly traceId: string;
  readonly priority: number;
  readonly pendingSeconds: number;
  readonly idempotency: { readonly route: string; readonly key: string; readonly bodyHash: string } | null;
};

/** A step of a workflow run, by its position. */
export type WorkflowPlace = { readonly runId: string; readonly position: number };

export type SealedSecret = {
  readonly id: string;
  readonly keyId: string;
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
};

/**
 * Everything that tasks begin with, in one statement and one flush for all of a batch: the idempotency keys,
 * the sealed secrets, the workspaces, the tasks, their streams with event 1 and their first runs. For a task
 * whose key is taken nothing is inserted and no row comes back: the caller reads what the key stands for.
 *
 * Two requests with one key meet on the key's primary key: in another transaction the second waits for the
 * first, within a batch it is skipped. Keys are inserted in their order, so that two batches that share some
 * cannot wait for each other. Numbers and the ids of events rise in the order of the batch.
 *
 * A batch is one parameter of JSON, so the text is the same for all of them: prepared once a connection, and
 * nothing in it has a plan that depends on what the tables hold.
 */
const createTasks: HotStatement = {
  name: 'create-tasks',
  text: `
    with given as (
      select * from jsonb_to_recordset($1::jsonb) as batch(position integer,
        task_id uuid, workspace_id uuid, shares boolean, run_id uuid, owner_id uuid, repository_id uuid, repository_url text,
        source text, kind text, queue text, prompt text, options text, publish text, callback_url text, provider_key text,
        token_id uuid, token_key_id text, token_nonce bytea, token_ciphertext bytea,
        ai_id uuid, ai_key_id text, ai_nonce bytea, ai_ciphertext bytea,
        mcp_id uuid, mcp_key_id text, mcp_nonce bytea, mcp_ciphertext bytea,
        route text, key text, body_hash text, trace_id text, priority integer, pending_seconds float8,
        workflow_run_id uuid, workflow_step integer)
    ), taken as (
      insert into idempotency_keys (owner_id, route, key, body_hash, task_id)
      select owner_id, route, key, body_hash, task_id from given where key is not null
      order by owner_id, route, key, position
      on conflict do nothing returning task_id
    ), allowed as (
      select *, options::jsonb as json, now() + make_interval(secs => pending_seconds) as deadline_at from given
      where key is null or task_id in (select task_id from taken)
      order by position
    ), secret as (
      insert into secrets (id, owner_id, key_id, nonce, ciphertext)
      select token_id, owner_id, token_key_id, token_nonce, token_ciphertext from allowed where token_id is not null
      union all
      select ai_id, owner_id, ai_key_id, ai_nonce, ai_ciphertext from allowed where ai_id is not null
      union all
      select mcp_id, owner_id, mcp_key_id, mcp_nonce, mcp_ciphertext from allowed where mcp_id is not null
    ), workspace as (
      insert into workspaces (id, owner_id, repository_id)
      select workspace_id, owner_id, repository_id from allowed where shares is not true order by position
    ), task as (
      insert into tasks (id, owner_id, source, kind, repository_id, repository_url, prompt, options, publish,
        callback_url, provider_key, access_token_id, ai_key_id, mcp_secret_id, state, workspace_id, trace_id, deadline_at,
        workflow_run_id, workflow_step)
      select task_id, owner_id, source, kind, repository_id, repository_url, prompt, json, publish,
        callback_url, provider_key, token_id, ai_id, mcp_id, 'pending', workspace_id, trace_id, deadline_at,
        workflow_run_id, workflow_step
      from allowed order by position returning id, created_at
    ), stream as (
      insert into streams (id, last_seq) select task_id, 1 from allowed
    ), event as (
      insert into events (stream_id, seq, type, data)
      select task_id, 1, 'task_created', jsonb_build_object('source', source) from allowed order by position
    ), run as (
      insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, cause,
        prompt, queue, priority, state, deadline_at, time_left_ms, agent)
      select run_id, task_id, owner_id, repository_id, workspace_id, kind, 1, 1, 'first', prompt, queue, priority,
        'queued', deadline_at, (json ->> 'timeoutSeconds')::bigint * 1000, json ->> 'agent'
      from allowed order by position
    )
    select id, created_at from task`,
};

/** Stores a task: resolves when it is on the disk. */
export type InsertTask = (task: NewTask) => Promise<Date | undefined>;

/**
 * Gives what stores tasks, many in one statement when many come at once: see `createGatherer`. With 32 at a
 * time on two cores that is 4,000 tasks a second, against 1,700 with a statement for each.
 *
 * The result is when the task was created, or undefined when its idempotency key is taken. A task that
 * PostgreSQL refuses fails alone. Where the database goes away in the middle, all of the batch fail, and
 * whether they were stored is not known, as with a statement of their own: sent again with its key, none is
 * stored twice.
 */
export function createTaskInserter(database: Database): InsertTask {
  return createGatherer({
    perform: (tasks: readonly NewTask[]) => insertTasks(database, tasks),
    isAway: isDatabaseAway,
    itemsPerBatch,
    batchesAtOnce,
  });
}

/** Stores one task, in a statement of its own; as what `createTaskInserter` gives. */
export async function insertTask(database: Database, task: NewTask): Promise<Date | undefined> {
  return (await insertTasks(database, [task]))[0];
}

/**
 * Gives what stores tasks up to a limit of runs that wait in the queue of tasks: `full` where it is reached, and
 * nothing is stored. One after the other, so that many who come at once take one connection between them.
 */
export function createLimitedTaskInserter(database: Database) {
  const insert = createGatherer({
    perform: ([asked]: readonly LimitedTask[]) =>
      asked === undefined ? Promise.resolve([]) : insertWithin(database, asked.task, asked.limit),
    isAway: isDatabaseAway,
    itemsPerBatch: 1,
    batchesAtOnce: 1,
  });
  return async (asked: LimitedTask): Promise<Date | 'full' | undefined> =>
    (await wasFull(database, queueOf(asked.task.kind), asked.limit)) ? 'full' : insert(asked);
}

type LimitedTask = { readonly task: NewTask; readonly limit: number };

function insertWithin(
  database: Database,
  task: NewTask,
  limit: number,
): Promise<readonly (Date | 'full' | undefined)[]> {
  return database.hotTransaction(async (client) => {
    if (!(await hasRoom(client, queueOf(task.kind), limit))) return ['full'];
    return insertTasks(
      { statement: async (hot, values) => (await client.query({ ...hot, values: [...values] })).rows },
      [task],
    );
  });
}

async function insertTasks(
  database: Pick<Database, 'statement'>,
  tasks: readonly NewTask[],
): Promise<readonly (Date | undefined)[]> {
  const rows = await database.statement<{ id: string; created_at: Date }>(createTasks, [
    JSON.stringify(tasks.map(rowOf)),
  ]);
  const created = new Map(rows.map((row) => [row.id, row.created_at]));
  return tasks.map(({ taskId }) => created.get(taskId));
}

/** A task as `createTasks` reads it; a column that is left out is null. */
function rowOf(task: NewTask, position: number) {
  const { accessToken, aiKey, mcpServers, idempotency } = task;
  return {
    position,
    task_id: task.taskId,
    workspace_id: task.workspaceId,
    ...(task.sharesWorkspace === true && { shares: true }),
    run_id: task.runId,
    owner_id: task.ownerId,
    repository_id: task.repositoryId,
    repository_url: task.repositoryUrl,
    source: task.source,
    kind: task.kind,
    queue: queueOf(task.kind),
    prompt: task.prompt,
    options: jsonText(task.options),
    publish: task.publish,
    callback_url: task.callbackUrl,
    provider_key: task.providerKey,
    ...(accessToken && {
      token_id: accessToken.id,
      token_key_id: accessToken.keyId,
      token_nonce: bytesOf(accessToken.nonce),
      token_ciphertext: bytesOf(accessToken.ciphertext),
    }),
    ...(aiKey && {
      ai_id: aiKey.id,
      ai_key_id: aiKey.keyId,
      ai_nonce: bytesOf(aiKey.nonce),
      ai_ciphertext: bytesOf(aiKey.ciphertext),
    }),
    ...(mcpServers && {
      mcp_id: mcpServers.id,
      mcp_key_id: mcpServers.keyId,
      mcp_nonce: bytesOf(mcpServers.nonce),
      mcp_ciphertext: bytesOf(mcpServers.ciphertext),
    }),
    ...(idempotency && {
      route: idempotency.route,
      key: idempotency.key,
      body_hash: idempotency.bodyHash,
    }),
    ...(task.workflow && { workflow_run_id: task.workflow.runId, workflow_step: task.workflow.position }),
    trace_id: task.traceId,
    priority: task.priority,
    pending_seconds: task.pendingSeconds,
  };
}

/** Bytes as PostgreSQL reads them from text. */
function bytesOf(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

export type KeptAnswer = { readonly taskId: string; readonly bodyHash: string; readonly createdAt: Date };

/** What an idempotency key of this owner stands for. */
export async function findIdempotencyKey(
  database: Database,
  ownerId: string,
  route: string,
  key: string,
): Promise<KeptAnswer | undefined> {
  const row = await database.kysely
    .selectFrom('idempotency_keys')
    .innerJoin('tasks', 'tasks.id', 'idempotency_keys.task_id')
    .select(['idempotency_keys.task_id', 'idempotency_keys.body_hash', 'tasks.created_at'])
    .where('idempotency_keys.owner_id', '=', ownerId)
    .where('idempotency_keys.route', '=', route)
    .where('idempotency_keys.key', '=', key)
    .executeTakeFirst();
  return row && { taskId: row.task_id, bodyHash: row.body_hash, createdAt: row.created_at };
}
