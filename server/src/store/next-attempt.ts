import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { Tables } from './tables.ts';

/**
 * The next attempt of a run that has just ended in this transaction: the same iteration, one attempt more,
 * with the whole of its time again, after `inSeconds`.
 */
export async function insertNextAttempt(
  tx: Transaction<Tables>,
  endedRunId: string,
  next: { readonly runId: string; readonly cause: 'retry' | 'lost'; readonly inSeconds: number },
): Promise<void> {
  await sql`
    insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, first_attempt,
      cause, aside, prompt, queue, priority, requires, state, available_at, deadline_at, time_left_ms, agent, model,
      session)
    select ${next.runId}::uuid, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt + 1,
      first_attempt, ${next.cause}::text, aside, prompt, queue, priority, requires, 'queued',
      now() + make_interval(secs => ${next.inSeconds}), now() + make_interval(secs => ${deadlineSeconds.pending}),
      time_left_ms, agent, model, session
    from runs where id = ${endedRunId}`.execute(tx);
}

/** The run that goes on with a parked one: the same iteration and conversation, with the time that was left. */
export async function insertResumedRun(
  tx: Transaction<Tables>,
  parkedRunId: string,
  runId: string,
): Promise<void> {
  await sql`
    insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, first_attempt,
      cause, prompt, queue, priority, requires, state, deadline_at, time_left_ms, agent, model, session)
    select ${runId}::uuid, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt + 1, first_attempt,
      'resumed', prompt, queue, priority, requires, 'queued',
      now() + make_interval(secs => ${deadlineSeconds.pending}), time_left_ms, agent, model, session
    from runs where id = ${parkedRunId}`.execute(tx);
}

/** The next attempt after a failure that may pass: its run, when it may begin, and its number. */
export type Retry = { readonly runId: string; readonly inMs: number; readonly attempt: number };

/** Queues the next attempt of a run that has just failed in this transaction; gives what is told of it. */
export async function tryAgain(
  tx: Transaction<Tables>,
  run: { readonly runId: string },
  failure: Failure,
  { runId, inMs, attempt }: Retry,
): Promise<NewEvent> {
  await insertNextAttempt(tx, run.runId, { runId, cause: 'retry', inSeconds: inMs / 1_000 });
  return { type: 'run_retried', data: { attempt, failure } };
}
