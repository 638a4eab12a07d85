import { sql, type Transaction } from 'kysely';
import { pullRequestEffectKey, pushEffectKey, type PullRequestWish } from '../domain/effect-state.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import { appendEvents, jsonText } from './append-events.ts';
import type { Database } from './database.ts';
import { endEffect, insertEffect, type EffectOf } from './effects.ts';
import { goOnWithInstructions } from './go-on.ts';
import { falseWhenMoved, rollBack } from './move-run.ts';
import type { Tables } from './tables.ts';
import { tellOfEnd } from './tell-of-end.ts';

export type PushSettlement =
  | { readonly kind: 'pushed' }
  /** Another commit has the branch: the same work goes to the next name. */
  | { readonly kind: 'taken'; readonly next: string; readonly newEffectId: string }
  /** Somebody deleted the branch since it was pushed: it is pushed anew, as if for the first time. */
  | { readonly kind: 'gone'; readonly newEffectId: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * What became of a push, the task with it and what follows, in one transaction: the pull request where one was
 * asked for, else the task rests. False: the lease is lost.
 */
export async function settlePush(
  database: Database,
  effect: EffectOf<'push'>,
  settlement: PushSettlement,
): Promise<boolean> {
  const wish = effect.payload.pullRequest;
  const rests = settlement.kind === 'pushed' && wish === undefined;
  return database
    .transaction(async (tx) => {
      const known = await moveDelivery(tx, effect.taskId, { settlement, rests });
      await endEffect(tx, effect, {
        state: settlement.kind === 'failed' ? 'failed' : 'done',
        outcome: settlement,
      });
      if (settlement.kind === 'pushed') await keepPushed(tx, effect, effect.payload.commit);
      if (settlement.kind === 'gone') await keepPushed(tx, effect, null);
      if (settlement.kind === 'taken' || settlement.kind === 'gone')
        await insertNextPush(tx, effect, settlement);
      if (settlement.kind === 'pushed' && wish !== undefined) {
        await insertPullRequest(tx, effect, { wish, known });
      }
      await appendEvents(tx, effect.taskId, effect.runId, [settlementEvent(effect, settlement)]);
      if (rests || settlement.kind === 'failed') await tellOfEnd(tx, effect.taskId);
      if (rests) await goOnWithInstructions(tx, effect.taskId);
      return true;
    })
    .catch(falseWhenMoved);
}

/** The task's side; its row is locked before the effect's. Gives the pull request that it has so far. */
async function moveDelivery(
  tx: Transaction<Tables>,
  taskId: string,
  { settlement, rests }: { readonly settlement: PushSettlement; readonly rests: boolean },
): Promise<number | null> {
  const task = await tx
    .selectFrom('tasks')
    .select('pull_request_number as known')
    .where('id', '=', taskId)
    .where('state', '=', 'creating_pr')
    .forUpdate()
    .executeTakeFirst();
  if (task === undefined) return rollBack();
  const ended = { finished_at: sql<Date>`now()`, deadline_at: null };
  const row = tx.updateTable('tasks').where('id', '=', taskId);
  if (rests) await row.set({ state: 'completed', ...ended }).execute();
  if (settlement.kind === 'taken') await row.set({ branch: settlement.next }).execute();
  if (settlement.kind === 'failed') {
    await row.set({ state: 'failed', failure: jsonText(settlement.failure), ...ended }).execute();
  }
  return task.known;
}

async function keepPushed(
  tx: Transaction<Tables>,
  effect: EffectOf<'push'>,
  commit: string | null,
): Promise<void> {
  await tx.updateTable('tasks').set({ pushed_commit: commit }).where('id', '=', effect.taskId).execute();
}

/** The same work once more. The task's own deadline bounds the whole row of names. */
async function insertNextPush(
  tx: Transaction<Tables>,
  effect: EffectOf<'push'>,
  settlement: PushSettlement & { readonly kind: 'taken' | 'gone' },
): Promise<void> {
  const gone = settlement.kind === 'gone';
  const branch = gone ? effect.payload.branch : settlement.next;
  const key = pushEffectKey(effect.runId ?? effect.taskId, branch);
  await insertEffect(tx, {
    ...effect,
    id: settlement.newEffectId,
    key: gone ? `${key}:${settlement.newEffectId}` : key,
    payload: { ...effect.payload, branch, ...(gone ? { expected: null } : {}) },
  });
}

async function insertPullRequest(
  tx: Transaction<Tables>,
  push: EffectOf<'push'>,
  { wish: { effectId, ...wish }, known }: { readonly wish: PullRequestWish; readonly known: number | null },
): Promise<void> {
  const { branch, commit } = push.payload;
  await insertEffect(tx, {
    id: effectId,
    kind: 'pull_request',
    key: pullRequestEffectKey(push.effectId),
    payload: { ...wish, branch, commit, known },
    ownerId: push.ownerId,
    taskId: push.taskId,
    runId: push.runId,
  });
}

function settlementEvent(effect: EffectOf<'push'>, settlement: PushSettlement): NewEvent {
  const { branch, commit } = effect.payload;
  switch (settlement.kind) {
    case 'pushed':
      return { type: 'branch_pushed', data: { branch, commit } };
    case 'taken':
      return { type: 'branch_taken', data: { branch, next: settlement.next } };
    case 'gone':
      return { type: 'branch_gone', data: { branch } };
    case 'failed':
      return { type: 'task_failed', data: { failure: settlement.failure } };
    default:
      return settlement satisfies never;
  }
}
