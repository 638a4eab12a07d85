import type { NewEvent } from '../domain/event.ts';
import type { Failure, FailurePhase } from '../domain/failure.ts';
import { nextAttemptInMs } from '../domain/retry.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { cancelLiveRun, failRun } from '../store/fail-run.ts';
import { parseExit } from '../supervisor/records.ts';
import type { WorkerContext } from './context.ts';
import { withPatience } from '../store/patience.ts';
import { failureOf } from './failures.ts';

/** How long a record of an end may be tried while the database is away; then the sweeper's turn comes. */
const recordPatienceMs = 120_000;

/**
 * Records a failure: the next attempt where it may pass, else the end of the task. False: it was not
 * recorded, since the run is somebody else's by now, or somebody wants the task cancelled.
 */
export async function failAttempt(
  context: WorkerContext,
  run: ClaimedRun,
  failed: {
    readonly error: unknown;
    readonly phase: FailurePhase;
    readonly redactor: Redactor | undefined;
  },
): Promise<boolean> {
  const { error, phase, redactor } = failed;
  const plain = failureOf(error, phase);
  // A remote's own words may repeat the token that it did not like.
  const failure = redactor === undefined ? plain : { ...plain, message: redactor.text(plain.message) };
  const { taskId, runId, traceId } = run;
  const fields = { taskId, runId, traceId, code: failure.code, phase: failure.phase };
  if (failure.code === 'internal')
    context.logger.error({ ...fields, error: describeError(error) }, 'a run failed unexpectedly');
  else context.logger.info(fields, 'a run failed');
  return recordFailure(context, run, failure);
}

/** As `failAttempt`, for a failure that is known by name. */
export async function recordFailure(
  context: WorkerContext,
  run: ClaimedRun,
  failure: Failure,
  { events = [], forgetSession = false }: { events?: readonly NewEvent[]; forgetSession?: boolean } = {},
): Promise<boolean> {
  const inMs = nextAttemptInMs(failure, run.attempt - run.parkedBefore, Math.random());
  const retry =
    inMs === undefined ? {} : { retry: { runId: context.ids.ordered(), inMs, attempt: run.attempt + 1 } };
  const signal = AbortSignal.timeout(recordPatienceMs);
  const recorded = await withPatience(signal, () =>
    failRun(context.database, run, failure, { ...retry, events, forgetSession, durationMs: durationOf(run) }),
  );
  if (recorded) context.telemetry.ended(run, 'failed', failure.code);
  return recorded;
}

/** Ends run and task as cancelled, where somebody asked for it and the run is still ours. */
export async function recordCancelled(context: WorkerContext, run: ClaimedRun): Promise<void> {
  const signal = AbortSignal.timeout(recordPatienceMs);
  const recorded = await withPatience(signal, () => cancelLiveRun(context.database, run, durationOf(run)));
  if (recorded) context.telemetry.ended(run, 'cancelled');
}

/** How long the agent worked, in milliseconds, without its waits for a person; 0 where it never did. */
export function durationOf(run: ClaimedRun): number {
  const exit = parseExit(run.exit);
  if (exit === undefined) return 0;
  return Math.max(0, Date.parse(exit.endedAt) - Date.parse(exit.startedAt) - (exit.heldMs ?? 0));
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
