import { sql, type Transaction } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import { maxAttempts } from '../domain/retry.ts';
import { liveRunStates, type RunKind, type RunState } from '../domain/run-state.ts';
import { restingTaskStates } from '../domain/task-state.ts';
import { appendEvents, jsonText } from './append-events.ts';
import { dropApprovals } from './approvals.ts';
import { cancelQueuedReview, cancelQueuedRuns, endCancelled } from './cancel-task.ts';
import type { Database } from './database.ts';
import { giveUpReview } from './end-review.ts';
import { stopWaiting } from './finish-run.ts';
import { insertNextAttempt } from './next-attempt.ts';
import type { Tables } from './tables.ts';
import { tellOfEnd } from './tell-of-end.ts';

export type SweptRun = {
  readonly runId: string;
  readonly taskId: string;
  readonly ended: 'lost' | 'failed' | 'cancelled';
};

const workerLost: Failure = {
  code: 'worker_lost',
  phase: 'infrastructure',
  retryable: true,
  message: `the worker was lost ${maxAttempts} times while it ran this task; see the server's log, then retry`,
};

/** A lost run comes back after a second: time for a worker that is only being restarted to be counted as gone. */
const lostRetrySeconds = 1;

/**
 * Ends one live run whose lease has lapsed or whose deadline has passed, and queues its next attempt in the
 * same transaction; the task's state stays. After three attempts the task fails; a task that somebody asked
 * to cancel is cancelled. The end bumps the generation, so a worker that still believes in its claim can
 * write nothing. `nothing to do` is undefined. Locks are taken task first, as everywhere.
 */
export async function sweepRun(database: Database, newRunId: string): Promise<SweptRun | undefined> {
  return database.transaction(async (tx) => {
    const run = await tx
      .selectFrom('runs')
      .innerJoin('tasks', 'tasks.id', 'runs.task_id')
      .select([
        'runs.id',
        'runs.task_id',
        'runs.iteration',
        'runs.kind',
        'runs.attempt',
        'runs.first_attempt',
        'runs.aside',
        'runs.state',
        'tasks.cancel_requested_at',
      ])
      .where('runs.state', 'in', [...liveRunStates])
      .where((where) =>
        where.or([
          where('runs.lease_until', '<', sql<Date>`now()`),
          where('runs.deadline_at', '<', sql<Date>`now()`),
        ]),
      )
      // Any of them: one that cannot be ended, for a reason that nobody foresaw, keeps no other from its turn.
      .orderBy(sql`random()`)
      .limit(1)
      .forUpdate(['tasks', 'runs'])
      .skipLocked()
      .executeTakeFirst();
    if (run === undefined) return undefined;
    if (run.cancel_requested_at !== null) {
      await endLive(tx, run, 'cancelled');
      if (run.aside) await giveUp(tx, run, { type: 'review_canceled', data: {} });
      else await endCancelled(tx, run.task_id);
      return { runId: run.id, taskId: run.task_id, ended: 'cancelled' };
    }
    await endLive(tx, run, 'lost');
    if (run.attempt - run.first_attempt + 1 - (await parkedBefore(tx, run)) >= maxAttempts) {
      if (run.aside) await giveUp(tx, run, { type: 'review_failed', data: { failure: workerLost } });
      else {
        await cancelQueuedRuns(tx, run.task_id);
        await failTask(tx, run.task_id, workerLost);
      }
      return { runId: run.id, taskId: run.task_id, ended: 'failed' };
    }
    await stopWaiting(tx, run.task_id);
    await insertNextAttempt(tx, run.id, { runId: newRunId, cause: 'lost', inSeconds: lostRetrySeconds });
    await appendEvents(tx, run.task_id, run.id, [{ type: 'run_lost', data: { attempt: run.attempt } }]);
    return { runId: run.id, taskId: run.task_id, ended: 'lost' };
  });
}

type LiveRun = {
  readonly id: string;
  readonly task_id: string;
  readonly iteration: number;
  readonly kind: RunKind;
  readonly first_attempt: number;
};

/** The work that was being reviewed stays finished. */
async function giveUp(tx: Transaction<Tables>, run: LiveRun, event: NewEvent): Promise<void> {
  await giveUpReview(tx, run.task_id, { runId: run.id, durationMs: 0, events: [event] });
}

/** Being parked is no failed attempt, and leaves the run that goes on all of its own. */
async function parkedBefore(
  tx: Transaction<Tables>,
  run: Pick<LiveRun, 'task_id' | 'iteration' | 'kind' | 'first_attempt'>,
): Promise<number> {
  const row = await tx
    .selectFrom('runs')
    .select((all) => all.fn.countAll<number>().as('count'))
    .where('task_id', '=', run.task_id)
    .where('iteration', '=', run.iteration)
    .where('kind', '=', run.kind)
    .where('attempt', '>=', run.first_attempt)
    .where('state', '=', 'parked')
    .executeTakeFirst();
  return row?.count ?? 0;
}

async function endLive(
  tx: Transaction<Tables>,
  run: { readonly id: string; readonly state: RunState },
  state: 'lost' | 'cancelled',
): Promise<void> {
  await tx
    .updateTable('runs')
    .set({ state, generation: sql`generation + 1`, ended_at: sql`now()`, deadline_at: null })
    .where('id', '=', run.id)
    .execute();
}

async function failTask(tx: Transaction<Tables>, taskId: string, failure: Failure): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({ state: 'failed', failure: jsonText(failure), finished_at: sql`now()`, deadline_at: null })
    .where('id', '=', taskId)
    .execute();
  await dropApprovals(tx, taskId);
  await appendEvents(tx, taskId, null, [{ type: 'task_failed', data: { failure } }]);
  await tellOfEnd(tx, taskId);
}

/**
 * Ends one task that waited past its own deadline: what was put away (draft, paused) or is being cancelled
 * is cancelled, the rest fails, and what was being reviewed stays finished. Its waiting runs and effects go with
 * it; callbacks and reviews that are to be posted tell of what had ended before.
 */
export async function sweepTask(database: Database): Promise<string | undefined> {
  return database.transaction(async (tx) => {
    const task = await tx
      .selectFrom('tasks')
      .select(['id', 'state', 'cancel_requested_at'])
      .where('state', 'not in', [...restingTaskStates])
      .where('deadline_at', '<', sql<Date>`now()`)
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('runs')
              .select('runs.id')
              .whereRef('runs.task_id', '=', 'tasks.id')
              .where('runs.state', 'in', [...liveRunStates]),
          ),
        ),
      )
      .limit(1)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    if (task === undefined) return undefined;
    if (task.state === 'reviewing') {
      await cancelQueuedReview(tx, task.id);
      const failure = deadlineFailure(task.state);
      const events = [{ type: 'review_failed' as const, data: { failure } }];
      await giveUpReview(tx, task.id, { runId: null, durationMs: 0, events });
      return task.id;
    }
    await cancelQueuedRuns(tx, task.id);
    await tx
      .updateTable('effects')
      .set({ state: 'dropped', ended_at: sql`now()`, deadline_at: null })
      .where('task_id', '=', task.id)
      // What tells of an iteration that has ended is no part of what is given up.
      .where('kind', 'not in', ['callback', 'review'])
      .where('state', 'in', ['waiting', 'leased'])
      .execute();
    const unwanted = task.cancel_requested_at !== null || task.state === 'draft' || task.state === 'paused';
    if (unwanted) await endCancelled(tx, task.id);
    else await failTask(tx, task.id, deadlineFailure(task.state));
    return task.id;
  });
}

function deadlineFailure(state: string): Failure {
  return state === 'creating_pr'
    ? {
        code: 'push_failed',
        phase: 'deliver',
        retryable: true,
        message: "the work could not be published in time; see the server's log for the reason, then retry",
      }
    : {
        code: 'queue_deadline',
        phase: 'queue',
        retryable: true,
        message: 'no worker took the task in time; see that one runs (slipway doctor), then retry',
      };
}

export type DatabaseClock = { readonly nowSeconds: number; readonly upSeconds: number };

/** The database's time, since the epoch, and how long ago its server was started. */
export async function readDatabaseClock(database: Database): Promise<DatabaseClock> {
  const rows = await database.statement<DatabaseClock>(
    {
      name: 'read-clock',
      text: `select extract(epoch from clock_timestamp())::float8 as "nowSeconds",
        extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8 as "upSeconds"`,
    },
    [],
  );
  return rows[0] ?? { nowSeconds: 0, upSeconds: 0 };
}
