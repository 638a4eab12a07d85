import type { ClaimedRun } from '../store/claim-run.ts';
import { parkRun } from '../store/park-run.ts';
import { withPatience } from '../store/patience.ts';
import { readsOnly } from './agent-of.ts';
import { collectWork } from './collect-work.ts';
import type { WorkerContext } from './context.ts';
import { durationOf } from './fail-attempt.ts';
import { keepSession } from './keep-session.ts';

/** A run that goes on has some time, however little the one before it left. */
const leastTimeMs = 10_000;

/**
 * Puts a run away whose agent waits for a person: its tree and its conversation are kept, its slot is free.
 * False: the record was moved meanwhile.
 */
export async function parkAttempt(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<boolean> {
  const [snapshot, session] = await Promise.all([
    // A tree that is only read is laid out again as it was.
    readsOnly(run) ? undefined : collectWork(context, run, signal, true),
    keepSession(context, run, signal),
  ]);
  context.faults.reach('park.stored');
  const durationMs = durationOf(run);
  const nextRunId = context.ids.ordered();
  const parked = await withPatience(signal, () =>
    parkRun(context.database, run, {
      session,
      snapshot,
      timeLeftMs: Math.max(leastTimeMs, run.timeLeftMs - durationMs),
      durationMs,
      nextRunId,
    }),
  );
  context.faults.reach('park.recorded');
  if (parked) context.telemetry.ended(run, 'parked');
  if (parked) context.wakeups.wake('run', nextRunId);
  return parked;
}
