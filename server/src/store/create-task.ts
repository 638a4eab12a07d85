import type { TaskOptions, PublishMode } from '../domain/options.ts';
import type { RunKind } from '../domain/run-state.ts';
import type { Database, HotStatement } from './database.ts';
import { jsonText } from './append-events.ts';

export type NewTask = {
  readonly taskId: string;
  readonly workspaceId: string;
  readonly runId: string;
  readonly ownerId: string;
  readonly repositoryId: string;
  readonly repositoryUrl: string;
  readonly source: string;
  readonly kind: RunKind;
  readonly prompt: string;
  readonly options: TaskOptions;
  readonly publish: PublishMode;
  readonly callbackUrl: string | null;
  readonly providerKey: string | null;
  readonly accessToken: SealedSecret | null;
  /** The task's own key to the model. */
  readonly aiKey?: SealedSecret;
  readonly traceId: string;
  readonly priority: number;
  readonly pendingSeconds: number;
  readonly idempotency: { readonly route: string; readonly key: string; readonly bodyHash: string } | null;
};

export type SealedSecret = {
  readonly id: string;
  readonly keyId: string;
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
};

/**
 * Everything that a task begins with, in one statement and one flush: the idempotency key, the sealed
 * secrets, the workspace, the task, its stream with event 1 and its first run. When the key is taken, nothing
 * is inserted and no row comes back: the caller reads what the key stands for. Two requests with one key
 * meet on the key's primary key, where the second waits for the first.
 */
const createTask: HotStatement = {
  name: 'create-task',
  text: `
    with key as (
      insert into idempotency_keys (owner_id, route, key, body_hash, task_id)
      select $4, $18, $19, $20, $1 where $19::text is not null
      on conflict do nothing returning 1
    ), allowed as (
      select 1 where $19::text is null or exists (select from key)
    ), secret as (
      insert into secrets (id, owner_id, key_id, nonce, ciphertext)
      select $14, $4, $15, $16, $17 from allowed where $14::uuid is not null returning id
    ), ai_key as (
      insert into secrets (id, owner_id, key_id, nonce, ciphertext)
      select $24, $4, $25, $26, $27 from allowed where $24::uuid is not null returning id
    ), workspace as (
      insert into workspaces (id, owner_id, repository_id) select $2, $4, $5 from allowed
    ), task as (
      insert into tasks (id, owner_id, source, kind, repository_id, repository_url, prompt, options, publish,
        callback_url, provider_key, access_token_id, ai_key_id, state, workspace_id, trace_id, deadline_at)
      select $1, $4, $7, $8, $5, $6, $9, $10::jsonb, $11, $12, $13, (select id from secret), (select id from ai_key),
        'pending', $2, $21, now() + make_interval(secs => $23)
      from allowed returning created_at
    ), stream as (
      insert into streams (id, last_seq) select $1, 1 from allowed
    ), event as (
      insert into events (stream_id, seq, type, data)
      select $1, 1, 'task_created', jsonb_build_object('source', $7::text) from allowed
    ), run as (
      insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, cause,
        prompt, queue, priority, state, deadline_at, time_left_ms, agent)
      select $3, $1, $4, $5, $2, $8, 1, 1, 'first', $9, 'tasks', $22, 'queued',
        now() + make_interval(secs => $23), ($10::jsonb ->> 'timeoutSeconds')::bigint * 1000,
        $10::jsonb ->> 'agent'
      from allowed
    )
    select created_at from task`,
};

/** Returns when the task was created, or undefined when its idempotency key is taken. */
export async function insertTask(database: Database, task: NewTask): Promise<Date | undefined> {
  const rows = await database.statement<{ created_at: Date }>(createTask, [
    task.taskId,
    task.workspaceId,
    task.runId,
    task.ownerId,
    task.repositoryId,
    task.repositoryUrl,
    task.source,
    task.kind,
    task.prompt,
    jsonText(task.options),
    task.publish,
    task.callbackUrl,
    task.providerKey,
    task.accessToken?.id ?? null,
    task.accessToken?.keyId ?? null,
    task.accessToken?.nonce ?? null,
    task.accessToken?.ciphertext ?? null,
    task.idempotency?.route ?? null,
    task.idempotency?.key ?? null,
    task.idempotency?.bodyHash ?? null,
    task.traceId,
    task.priority,
    task.pendingSeconds,
    task.aiKey?.id ?? null,
    task.aiKey?.keyId ?? null,
    task.aiKey?.nonce ?? null,
    task.aiKey?.ciphertext ?? null,
  ]);
  return rows[0]?.created_at;
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
