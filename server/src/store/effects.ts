import { sql, type Kysely, type Transaction } from 'kysely';
import type { Client } from 'pg';
import { deadlineSeconds, leaseSeconds } from '../domain/deadlines.ts';
import { effectKinds, type EffectKind, type EffectPayloads } from '../domain/effect-state.ts';
import { jsonText } from './append-events.ts';
import type { Database } from './database.ts';
import { rollBack, secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

/** An effect that this process holds, with what its handler needs to find its way; its payload by its kind. */
export type LeasedEffect = {
  [Kind in EffectKind]: EffectOf<Kind>;
}[EffectKind];

/** The kinds that something of a task is done with. */
export type TaskEffectKind = Exclude<EffectKind, 'workflow_step'>;
export type TaskEffect = { [Kind in TaskEffectKind]: EffectOf<Kind> }[TaskEffectKind];

export type EffectOf<Kind extends EffectKind> = {
  readonly effectId: string;
  readonly generation: number;
  readonly kind: Kind;
  readonly attempts: number;
  readonly payload: EffectPayloads[Kind];
  /** The log that tells of it: its task's, or its workflow run's. */
  readonly streamId: string;
  /** The workflow run that it is of, or that waits for its task. */
  readonly workflowRunId: string | null;
  readonly runId: string | null;
  readonly ownerId: string;
  readonly traceId: string;
} & (Kind extends TaskEffectKind
  ? {
      readonly taskId: string;
      readonly repositoryUrl: string;
      readonly accessTokenId: string | null;
      readonly providerKey: string | null;
      readonly workspaceId: string;
      readonly baseCommit: string | null;
      readonly bundleBlobId: string | null;
    }
  : { readonly workflowRunId: string });

/**
 * Takes the effect of these kinds that has waited longest: due, or leased by somebody whose lease has lapsed.
 * Whoever takes it looks first what the world already has, so taking it twice does nothing twice.
 */
const leaseText = `
  with picked as (
    select id from effects
    where ((state = 'waiting' and available_at <= now()) or (state = 'leased' and lease_until < now()))
      and id <> all($3::uuid[]) and kind = any($4::text[])
    order by available_at limit 1 for update skip locked
  ), leased as (
    update effects set state = 'leased', holder = $1, generation = generation + 1, attempts = attempts + 1,
      lease_until = now() + make_interval(secs => $2)
    from picked where effects.id = picked.id returning effects.*
  )
  select leased.id as "effectId", leased.generation, leased.kind, leased.attempts, leased.payload,
    leased.task_id as "taskId", coalesce(leased.workflow_run_id, tasks.workflow_run_id) as "workflowRunId",
    coalesce(leased.task_id, leased.workflow_run_id) as "streamId", leased.run_id as "runId", leased.owner_id as "ownerId",
    coalesce(tasks.trace_id, workflow_runs.trace_id) as "traceId", tasks.repository_url as "repositoryUrl", tasks.access_token_id as "accessTokenId",
    tasks.provider_key as "providerKey",
    workspaces.id as "workspaceId", workspaces.base_commit as "baseCommit", runs.bundle_blob_id as "bundleBlobId"
  from leased left join tasks on tasks.id = leased.task_id left join workspaces on workspaces.id = tasks.workspace_id
    left join runs on runs.id = leased.run_id left join workflow_runs on workflow_runs.id = leased.workflow_run_id`;

/** Which effects a process asks for. */
export type WantedEffects = {
  readonly kinds: readonly EffectKind[];
  /** What it is at work on. After an outage that is to be renewed, not begun again. */
  readonly attended: readonly string[];
};

/** The next effect of these kinds (all, unless said), now held by this worker; undefined: none is due. */
export async function leaseEffect(
  database: Database,
  workerId: string,
  { kinds = effectKinds, attended = [] }: Partial<WantedEffects> = {},
): Promise<LeasedEffect | undefined> {
  const rows = await database.statement<LeasedEffect>({ name: 'lease-effect', text: leaseText }, [
    workerId,
    leaseSeconds,
    attended,
    kinds,
  ]);
  return rows[0];
}

/**
 * At boot, before the first lease: what this worker held when it died waits again at once, under a new
 * generation, instead of until its lease lapses.
 */
export async function releaseOwnEffects(database: Database, workerId: string): Promise<void> {
  await database.kysely
    .updateTable('effects')
    .set({ state: 'waiting', available_at: sql`now()`, lease_until: null, generation: sql`generation + 1` })
    .where('holder', '=', workerId)
    .where('state', '=', 'leased')
    .execute();
}

/** Renews the effects of one process as `renewLeases` does its runs; returns those still held. */
export async function renewEffects(
  client: Client,
  held: readonly { readonly effectId: string; readonly generation: number }[],
): Promise<ReadonlySet<string>> {
  const result = await client.query<{ id: string }>({
    name: 'renew-effects',
    text: `
      with held as (
        select effects.id from unnest($1::uuid[], $2::int[]) as asked(id, generation)
        join effects on effects.id = asked.id and effects.generation = asked.generation
        where effects.state = 'leased'
      ), free as (
        select effects.id from unnest($1::uuid[], $2::int[]) as asked(id, generation)
        join effects on effects.id = asked.id and effects.generation = asked.generation
        where effects.state = 'leased'
        for update of effects skip locked
      ), renewed as (
        update effects set lease_until = now() + make_interval(secs => $3) from free where effects.id = free.id
      )
      select id from held`,
    values: [held.map((effect) => effect.effectId), held.map((effect) => effect.generation), leaseSeconds],
  });
  return new Set(result.rows.map((row) => row.id));
}

/** A try failed in a way that may pass: it waits again. False: the lease is lost. */
export async function postponeEffect(
  database: Database,
  effect: LeasedEffect,
  inMs: number,
  reason: string,
): Promise<boolean> {
  const moved = await database.kysely
    .updateTable('effects')
    .set({
      state: 'waiting',
      available_at: secondsFromNow(inMs / 1_000),
      // Beside what a handler keeps there of its tries.
      outcome: sql`coalesce(outcome, '{}') || ${jsonText({ lastError: reason })}::jsonb`,
      lease_until: null,
    })
    .where('id', '=', effect.effectId)
    .where('generation', '=', effect.generation)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}

/** An effect of a task that waits to be done from now on. */
export type NewEffect = {
  [Kind in TaskEffectKind]: {
    readonly id: string;
    readonly kind: Kind;
    readonly key: string;
    readonly payload: EffectPayloads[Kind];
    readonly ownerId: string;
    readonly taskId: string;
    readonly runId: string | null;
  };
}[TaskEffectKind];

/** Inserts an effect in the transaction of the change that wants it. */
export async function insertEffect(tx: Transaction<Tables>, effect: NewEffect): Promise<void> {
  await tx
    .insertInto('effects')
    .values({
      id: effect.id,
      owner_id: effect.ownerId,
      task_id: effect.taskId,
      run_id: effect.runId,
      kind: effect.kind,
      key: effect.key,
      payload: jsonText(effect.payload),
      state: 'waiting',
      deadline_at: secondsFromNow(deadlineSeconds.delivering),
    })
    .execute();
}

/** Ends an effect in the transaction of what follows from it; rolls that back where the lease is lost. */
export async function endEffect(
  tx: Transaction<Tables>,
  effect: Pick<LeasedEffect, 'effectId' | 'generation'>,
  end: { readonly state: 'done' | 'failed'; readonly outcome: object },
): Promise<void> {
  const moved = await tx
    .updateTable('effects')
    .set({
      state: end.state,
      outcome: jsonText(end.outcome),
      ended_at: sql`now()`,
      deadline_at: null,
      lease_until: null,
    })
    .where('id', '=', effect.effectId)
    .where('generation', '=', effect.generation)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  if (moved.numUpdatedRows !== 1n) rollBack();
}

/** An effect that was given up. */
export type ExpiredEffect<Kind extends TaskEffectKind> = Pick<
  EffectOf<Kind>,
  'effectId' | 'generation' | 'taskId' | 'runId' | 'payload'
>;

/**
 * Gives up one effect of a kind that nobody has done although its deadline has passed; `outcome` takes the place of
 * what the row keeps, where there is one to tell. Undefined: there is none.
 */
export async function expireEffect<Kind extends TaskEffectKind>(
  queries: Kysely<Tables>,
  kind: Kind,
  outcome: object | null,
): Promise<ExpiredEffect<Kind> | undefined> {
  const told = outcome === null ? null : jsonText(outcome);
  const result = await sql<ExpiredEffect<Kind>>`
    update effects set state = 'failed', generation = generation + 1, lease_until = null, deadline_at = null,
      outcome = coalesce(${told}::jsonb, outcome), ended_at = now()
    where id = (
      select id from effects
      where kind = ${kind} and deadline_at < now()
        and (state = 'waiting' or (state = 'leased' and lease_until < now()))
      limit 1 for update skip locked)
    returning id as "effectId", generation, task_id as "taskId", run_id as "runId", payload`.execute(queries);
  return result.rows[0];
}
