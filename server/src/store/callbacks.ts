import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { callbackEffectKey, type CallbackPayload } from '../domain/effect-state.ts';
import type { TaskState } from '../domain/task-state.ts';
import { jsonText } from './append-events.ts';
import type { Database } from './database.ts';
import { expireEffect, type EffectOf } from './effects.ts';
import { readIterationMs } from './iterations.ts';
import { secondsFromNow } from './move-run.ts';
import { readIterationSpend } from './spend.ts';
import type { Tables } from './tables.ts';

/** One attempt that came to an end; `at` is ISO 8601. */
export type CallbackAttempt = {
  readonly at: string;
  /** Of the answer; null: there was none, and `error` says why. */
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
};

/** What the row keeps of its attempts. `tried` counts those since it was asked for, and is 0 when it is again. */
export type CallbackOutcome = { readonly tried: number; readonly log: readonly CallbackAttempt[] };

/** Older attempts are forgotten. */
const keptAttempts = 20;
/** As much of the agent's last word as an event keeps; the task has the rest. */
const resultCharacters = 32_768;

const canceledByUser = 'canceled by user';

/** How an end is told of; a state that is not here is none. */
const endings: { readonly [State in TaskState]?: Pick<CallbackPayload, 'event' | 'status'> } = {
  completed: { event: 'task.completed', status: 'completed' },
  pr_created: { event: 'task.completed', status: 'pr_created' },
  failed: { event: 'task.failed', status: 'failed' },
  cancelled: { event: 'task.failed', status: 'failed' },
};

export type CallbackWish = {
  /** The end of a review that somebody asked for, not of an iteration. */
  readonly reviewRunId?: string;
  /** It waits for so long for something that is to be done before, and then goes all the same. */
  readonly afterSeconds?: number;
};

/**
 * In the transaction that ends an iteration of a task, or a review of it, after the task's row has its last state
 * and before it goes on: what its `callback_url`, if it has one, is told. Repeated for the same end it inserts
 * nothing.
 */
export async function wantCallback(
  tx: Transaction<Tables>,
  taskId: string,
  { reviewRunId, afterSeconds = 0 }: CallbackWish = {},
): Promise<void> {
  const task = await readEndedTask(tx, taskId);
  const ending = task && endings[task.state];
  if (task === undefined || task.callbackUrl === null || ending === undefined) return;
  // Work can be reviewed while the next iteration, begun already, waits for its next attempt.
  const reviewed = reviewRunId === undefined ? null : task.reviewedIteration;
  const iteration = reviewed ?? (await endedIteration(tx, taskId, task));
  const payload: CallbackPayload = {
    ...ending,
    url: task.callbackUrl,
    taskId,
    iteration,
    result: task.result,
    error: errorOf(task),
    changes: task.changes,
    review: task.reviewedIteration === iteration ? task.review : null,
    durationMs: await readIterationMs(tx, taskId, iteration),
    spend: await readIterationSpend(tx, taskId, iteration),
    branch: task.branch,
    pullRequest:
      task.number === null || task.pullRequestUrl === null
        ? null
        : { number: task.number, url: task.pullRequestUrl },
    traceId: task.traceId,
    finishedAt: task.finishedAt.toISOString(),
  };
  await tx
    .insertInto('effects')
    .values({
      id: sql<string>`gen_random_uuid()`,
      owner_id: task.ownerId,
      task_id: taskId,
      run_id: null,
      kind: 'callback',
      key: callbackEffectKey(taskId, iteration, ending.event, reviewRunId),
      payload: jsonText(payload),
      state: 'waiting',
      available_at: secondsFromNow(afterSeconds),
      deadline_at: secondsFromNow(afterSeconds + deadlineSeconds.callback),
    })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
}

/** What a callback waited for has been done, or never will be. */
export async function letCallbackGo(
  tx: Transaction<Tables>,
  taskId: string,
  iteration: number,
): Promise<void> {
  await tx
    .updateTable('effects')
    .set({ available_at: sql`now()`, deadline_at: secondsFromNow(deadlineSeconds.callback) })
    .where('key', '=', callbackEffectKey(taskId, iteration, 'task.completed'))
    .where('state', '=', 'waiting')
    .where('attempts', '=', 0)
    .execute();
}

/** What an earlier end left in the task's row is not told. */
function errorOf({ state, failure }: Pick<EndedTask, 'state' | 'failure'>): string | null {
  if (state === 'cancelled') return canceledByUser;
  return state === 'failed' ? (failure?.message ?? null) : null;
}

type EndedTask = NonNullable<Awaited<ReturnType<typeof readEndedTask>>>;

function readEndedTask(tx: Transaction<Tables>, taskId: string) {
  return tx
    .selectFrom('tasks')
    .leftJoin('runs as reviewing', 'reviewing.id', 'tasks.review_run_id')
    .select([
      'tasks.owner_id as ownerId',
      'callback_url as callbackUrl',
      'tasks.state',
      sql<string | null>`left(tasks.result, ${resultCharacters})`.as('result'),
      'tasks.failure',
      'tasks.changes',
      'reviewing.review',
      'reviewing.iteration as reviewedIteration',
      'branch',
      'pull_request_number as number',
      'pull_request_url as pullRequestUrl',
      'trace_id as traceId',
      sql<Date>`coalesce(finished_at, now())`.as('finishedAt'),
    ])
    .where('tasks.id', '=', taskId)
    .where('callback_url', 'is not', null)
    .executeTakeFirst();
}

/**
 * Which iteration it is that ended. Not the task's own number, which is that of the newest instruction: others
 * may wait before it. It is the last that was taken up; where that one had succeeded and the task nevertheless
 * ends badly, not in its delivery, the end is the next one's, which waited.
 */
async function endedIteration(
  tx: Transaction<Tables>,
  taskId: string,
  { state, failure }: Pick<EndedTask, 'state' | 'failure'>,
): Promise<number> {
  const last = await tx
    .selectFrom('runs')
    .select(['iteration', 'state'])
    .where('task_id', '=', taskId)
    .where('aside', '=', false)
    .where('started_at', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) return 1;
  const isGood = state === 'completed' || state === 'pr_created';
  const waited = last.state === 'succeeded' && !isGood && failure?.phase !== 'deliver';
  return waited ? last.iteration + 1 : last.iteration;
}

/** The attempts of a callback so far. */
export async function readCallbackOutcome(database: Database, effectId: string): Promise<CallbackOutcome> {
  const row = await database.kysely
    .selectFrom('effects')
    .select('outcome')
    .where('id', '=', effectId)
    .executeTakeFirst();
  // Nothing but this file writes the outcome of a callback, and an unforeseen error beside it.
  const kept = (row?.outcome ?? {}) as Partial<CallbackOutcome>;
  return { tried: kept.tried ?? 0, log: kept.log ?? [] };
}

export type CallbackSettlement = {
  readonly outcome: CallbackOutcome;
  readonly end: 'done' | 'failed' | { readonly againInSeconds: number };
};

/** What became of an attempt: it is over, or waits for the next one. False: the lease is lost. */
export async function settleCallback(
  database: Database,
  effect: Pick<EffectOf<'callback'>, 'effectId' | 'generation'>,
  { outcome, end }: CallbackSettlement,
): Promise<boolean> {
  const { tried, log } = outcome;
  const moved = await database.kysely
    .updateTable('effects')
    .set({
      outcome: jsonText({ tried, log: log.slice(-keptAttempts) }),
      lease_until: null,
      ...(typeof end === 'string'
        ? { state: end, ended_at: sql<Date>`now()`, deadline_at: null }
        : {
            state: 'waiting',
            available_at: secondsFromNow(end.againInSeconds),
            deadline_at: secondsFromNow(end.againInSeconds + deadlineSeconds.callback),
          }),
    })
    .where('id', '=', effect.effectId)
    .where('generation', '=', effect.generation)
    .where('state', '=', 'leased')
    .executeTakeFirst();
  return moved.numUpdatedRows === 1n;
}

/**
 * Gives up one callback that nobody has done for so long that its deadline has passed, and returns its task;
 * undefined: there is none.
 */
export async function expireCallback(database: Database): Promise<string | undefined> {
  return (await expireEffect(database.kysely, 'callback', null))?.taskId;
}
