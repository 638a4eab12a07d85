import type { NewEvent } from '../domain/event.ts';
import type { Failure, FailurePhase } from '../domain/failure.ts';
import { nextAttemptInMs } from '../domain/retry.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { cancelReview, failReview } from '../store/end-review.ts';
import { cancelLiveRun, failRun } from '../store/fail-run.ts';
import { readClaim } from '../store/read-claim.ts';
import { parseExit } from '../supervisor/records.ts';
import type { WorkerContext } from './context.ts';
import { withPatience } from '../store/patience.ts';
import { failureOf } from './failures.ts';
import { fullDiskBehind } from './full-disk.ts';
import { deliverTested, hasTestedWork } from './give-up-tests.ts';

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
  const plain = fullDiskBehind(error, failureOf(error, phase), context.folders.workspaces);
  // A remote's own words may repeat the token that it did not like.
  const failure = redactor === undefined ? plain : { ...plain, message: redactor.text(plain.message) };
  const { taskId, runId, traceId } = run;
  const fields = { taskId, runId, traceId, code: failure.code, phase: failure.phase };
  if (failure.code === 'internal')
    context.logger.error({ ...fields, error: describeError(error) }, 'a run failed unexpectedly');
  else context.logger.info(fields, 'a run failed');
  return recordFailure(context, run, failure);
}

/** As `failAttempt`, for a failure that is known by name. Work that was to be tested or mended is not lost by it. */
export async function recordFailure(
  context: WorkerContext,
  run: ClaimedRun,
  failure: Failure,
  { events = [], forgetSession = false }: { events?: readonly NewEvent[]; forgetSession?: boolean } = {},
): Promise<boolean> {
  const attempt = run.attempt - run.firstAttempt + 1;
  const inMs = nextAttemptInMs(failure, attempt - run.parkedBefore, Math.random());
  const retry =
    inMs === undefined ? {} : { retry: { runId: context.ids.ordered(), inMs, attempt: attempt + 1 } };
  const signal = AbortSignal.timeout(recordPatienceMs);
  const durationMs = durationOf(run);
  const details = { ...retry, durationMs };
  const recorded = await withPatience(signal, () => {
    if (inMs === undefined && hasTestedWork(run)) return deliverTested(context, run, failure, durationMs);
    return run.aside
      ? failReview(context.database, run, failure, { ...details, events: [lostReview(run, failure)] })
      : failRun(context.database, run, failure, { ...details, events, forgetSession });
  });
  if (recorded) context.telemetry.ended(run, 'failed', failure.code);
  return recorded;
}

/** What is told of a review that did not come about. */
function lostReview({ timeLeftMs }: ClaimedRun, failure: Failure): NewEvent {
  return failure.code === 'time_limit'
    ? { type: 'review_timeout', data: { seconds: Math.round(timeLeftMs / 1_000) } }
    : { type: 'review_failed', data: { failure } };
}

/**
 * Ends run and task as cancelled, where somebody asked for it and the run is still ours; a review ends alone. The
 * record is read again for that: the step that was broken off may have moved the run with its last statement.
 */
export async function recordCancelled(
  context: Pick<WorkerContext, 'database' | 'telemetry'>,
  run: ClaimedRun,
): Promise<void> {
  const signal = AbortSignal.timeout(recordPatienceMs);
  const cancel = run.aside ? cancelReview : cancelLiveRun;
  const recorded = await withPatience(signal, async () => {
    const now = await readClaim(context.database, run);
    if (now === undefined) return false;
    const current = { ...run, ...now };
    return cancel(context.database, current, durationOf(current));
  });
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
