import { sql, type Transaction } from 'kysely';
import type { Client } from 'pg';
import { deadlineSeconds, leaseSeconds } from '../domain/deadlines.ts';
import { pushEffectKey, type EffectKind, type PushPayload } from '../domain/effect-state.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import { appendEvents, jsonText } from './append-events.ts';
import type { Database } from './database.ts';
import { goOnWithInstructions } from './finish-run.ts';
import { falseWhenMoved, rollBack, secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

/** An effect that this process holds, with what its handler needs to find its way. */
export type LeasedEffect = {
  readonly effectId: string;
  readonly generation: number;
  readonly kind: EffectKind;
  readonly attempts: number;
  readonly payload: PushPayload;
  readonly taskId: string;
  readonly runId: string | null;
  readonly ownerId: string;
  readonly repositoryUrl: string;
  readonly accessTokenId: string | null;
  readonly workspaceId: string;
  readonly baseCommit: string | null;
  readonly bundleBlobId: string | null;
};

/**
 * Takes the effect that has waited longest: due, or leased by somebody whose lease has lapsed. Whoever
 * takes it looks first what the world already has, so taking it twice does nothing twice.
 */
const leaseText = `
  with picked as (
    select id from effects
    where ((state = 'waiting' and available_at <= now()) or (state = 'leased' and lease_until < now()))
      and id <> all($3::uuid[])
    order by available_at limit 1 for update skip locked
  ), leased as (
    update effects set state = 'leased', holder = $1, generation = generation + 1, attempts = attempts + 1,
      lease_until = now() + make_interval(secs => $2)
    from picked where effects.id = picked.id returning effects.*
  )
  select leased.id as "effectId", leased.generation, leased.kind, leased.attempts, leased.payload,
    leased.task_id as "taskId", leased.run_id as "runId", leased.owner_id as "ownerId",
    tasks.repository_url as "repositoryUrl", tasks.access_token_id as "accessTokenId",
    workspaces.id as "workspaceId", workspaces.base_commit as "baseCommit", runs.bundle_blob_id as "bundleBlobId"
  from leased join tasks on tasks.id = leased.task_id join workspaces on workspaces.id = tasks.workspace_id
    left join runs on runs.id = leased.run_id`;

/** `attended`: effects that this process is at work on. After an outage they are to be renewed, not begun again. */
export async function leaseEffect(
  database: Database,
  workerId: string,
  attended: readonly string[] = [],
): Promise<LeasedEffect | undefined> {
  const rows = await database.statement<LeasedEffect>({ name: 'lease-effect', text: leaseText }, [
    workerId,
    leaseSeconds,
    attended,
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
      outcome: jsonText({ lastError: reason }),
      lease_until: null,
    })
    .where('id', '=', effect.effectId)
    .where('generation', '=', effect.generation)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}

export type PushSettlement =
  | { readonly kind: 'pushed' }
  /** Another commit has the branch: the same work goes to the next name. */
  | { readonly kind: 'taken'; readonly next: string; readonly newEffectId: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** What became of a push, the task with it and what follows, in one transaction. False: the lease is lost. */
export async function settlePush(
  database: Database,
  effect: LeasedEffect,
  settlement: PushSettlement,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      await moveDelivery(tx, effect.taskId, settlement);
      const moved = await tx
        .updateTable('effects')
        .set({
          state: settlement.kind === 'failed' ? 'failed' : 'done',
          outcome: jsonText(settlement),
          ended_at: sql`now()`,
          deadline_at: null,
          lease_until: null,
        })
        .where('id', '=', effect.effectId)
        .where('generation', '=', effect.generation)
        .where('state', '=', 'leased')
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      if (settlement.kind === 'pushed') await keepPushed(tx, effect);
      if (settlement.kind === 'taken') await insertNextPush(tx, effect, settlement);
      await appendEvents(tx, effect.taskId, effect.runId, [settlementEvent(effect, settlement)]);
      if (settlement.kind === 'pushed') await goOnWithInstructions(tx, effect.taskId);
      return true;
    })
    .catch(falseWhenMoved);
}

/** The task's side; its row is locked before the effect's. */
async function moveDelivery(
  tx: Transaction<Tables>,
  taskId: string,
  settlement: PushSettlement,
): Promise<void> {
  const task = tx.updateTable('tasks').where('id', '=', taskId).where('state', '=', 'creating_pr');
  const ended = { finished_at: sql<Date>`now()`, deadline_at: null };
  const moved = await (
    settlement.kind === 'pushed'
      ? task.set({ state: 'completed', ...ended })
      : settlement.kind === 'failed'
        ? task.set({ state: 'failed', failure: jsonText(settlement.failure), ...ended })
        : task.set({ branch: settlement.next })
  ).executeTakeFirst();
  if (moved.numUpdatedRows !== 1n) rollBack();
}

async function keepPushed(tx: Transaction<Tables>, effect: LeasedEffect): Promise<void> {
  await tx
    .updateTable('workspaces')
    .set({ pushed_commit: effect.payload.commit })
    .where('id', '=', effect.workspaceId)
    .execute();
}

/** The same work for the next name. The task's own deadline bounds the whole row of names. */
async function insertNextPush(
  tx: Transaction<Tables>,
  effect: LeasedEffect,
  { next, newEffectId }: PushSettlement & { readonly kind: 'taken' },
): Promise<void> {
  await tx
    .insertInto('effects')
    .values({
      id: newEffectId,
      owner_id: effect.ownerId,
      task_id: effect.taskId,
      run_id: effect.runId,
      kind: 'push',
      key: pushEffectKey(effect.runId ?? effect.taskId, next),
      payload: jsonText({ ...effect.payload, branch: next }),
      state: 'waiting',
      deadline_at: secondsFromNow(deadlineSeconds.delivering),
    })
    .execute();
}

function settlementEvent(effect: LeasedEffect, settlement: PushSettlement): NewEvent {
  const { branch, commit } = effect.payload;
  switch (settlement.kind) {
    case 'pushed':
      return { type: 'branch_pushed', data: { branch, commit } };
    case 'taken':
      return { type: 'branch_taken', data: { branch, next: settlement.next } };
    case 'failed':
      return { type: 'task_failed', data: { failure: settlement.failure } };
    default:
      return settlement satisfies never;
  }
}
