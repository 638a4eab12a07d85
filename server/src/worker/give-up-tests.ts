import type { Failure } from '../domain/failure.ts';
import type { TestOutcome } from '../domain/test-outcome.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { giveUpTests, readTestedWork } from '../store/finish-tests.ts';
import type { WorkerContext } from './context.ts';
import { pushOf } from './publishing.ts';

/** Whether there is work already that this run was only to test, or to mend by what tests found. */
export function hasTestedWork(run: ClaimedRun): boolean {
  return run.kind === 'test' || run.failedTests !== null;
}

/**
 * Ends a task whose tests could not be run, or whose agent failed at mending what they found, with the work as it
 * was before: a person sees what is known of the tests. False: the record was moved meanwhile.
 */
export async function deliverTested(
  context: WorkerContext,
  run: ClaimedRun,
  failure: Failure,
  durationMs: number,
): Promise<boolean> {
  const work = await readTestedWork(context.database, run);
  const outcome: TestOutcome = run.failedTests ?? {
    command: run.options.testCommand ?? '',
    passed: false,
    exitCode: null,
    reason: `it could not be run: ${failure.message}`,
    output: '',
    durationSeconds: 0,
    commit: work.commit,
  };
  const push = pushOf(context, run, { ...work, tests: outcome });
  const recorded = await giveUpTests(context.database, run, { failure, outcome, work, push, durationMs });
  if (recorded && push !== undefined) context.wakeups.wake('effect', run.taskId);
  if (recorded) context.wakeups.wake('run', run.runId);
  return recorded;
}
