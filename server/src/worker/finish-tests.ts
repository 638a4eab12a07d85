import type { AgentOutcome } from '../agents/agent.ts';
import type { Failure } from '../domain/failure.ts';
import { testOutputCharacters, type TestOutcome } from '../domain/test-outcome.ts';
import { runInSandbox, SandboxNotStarted } from '../executors/run-in-sandbox.ts';
import { restoreCommand } from '../git/restore-tree.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { finishTests, readTestedWork } from '../store/finish-tests.ts';
import { withPatience } from '../store/patience.ts';
import type { ExitRecord } from '../supervisor/protocol.ts';
import type { WorkerContext } from './context.ts';
import { durationOf, recordFailure } from './fail-attempt.ts';
import { failureOfExit } from './failures.ts';
import { readOutputTail } from './output-tail.ts';
import { pushOf } from './publishing.ts';
import { discardFolder, workspaceFolder } from './workspace-folders.ts';

const restoreTimeoutMs = 5 * 60_000;
const restoreOutputBytes = 64 * 1024;

export type TestEnd = {
  readonly exit: ExitRecord;
  readonly outcome: AgentOutcome;
  readonly redactor: Redactor;
};

/**
 * Ends a run that tried the work with the task's test command: what the tests left in the tree goes, the outcome
 * stands on the task, and the work is delivered or given back to the agent. Tests that cannot be run at all are a
 * failure of the run, which is tried again. False: the record was moved meanwhile.
 */
export async function finishTestRun(
  context: WorkerContext,
  run: ClaimedRun,
  end: TestEnd,
  signal: AbortSignal,
): Promise<boolean> {
  const ended = failureOfExit(end.exit, run.options.timeoutSeconds);
  if (ended !== undefined && ended.phase === 'infrastructure') return recordFailure(context, run, ended);
  const work = await withPatience(signal, () => readTestedWork(context.database, run));
  const outcome: TestOutcome = {
    command: run.options.testCommand ?? '',
    passed: ended === undefined && end.outcome.kind === 'done',
    exitCode: ended === undefined ? end.exit.code : null,
    reason: reasonOf(end, ended, run),
    output: await readOutputTail(context, run, {
      redactor: end.redactor,
      characters: testOutputCharacters,
    }),
    durationSeconds: Math.round(durationOf(run) / 100) / 10,
    commit: work.commit,
  };
  const isGivenBack = !outcome.passed && work.givenBack < context.settings.testFixes;
  const restored = await restoreTree(context, run, signal);
  context.faults.reach('tests.restored');
  const push = isGivenBack ? undefined : pushOf(context, run, { ...work, tests: outcome });
  const recorded = await withPatience(signal, () =>
    finishTests(context.database, run, {
      outcome,
      work,
      restored,
      mendingRunId: isGivenBack ? context.ids.ordered() : undefined,
      push,
    }),
  );
  if (!recorded) return false;
  if (push !== undefined) context.wakeups.wake('effect', run.taskId);
  context.wakeups.wake('run', run.runId);
  context.telemetry.ended(run, 'succeeded');
  return true;
}

/** Why the tests did not pass; empty where they did. */
function reasonOf({ exit, outcome, redactor }: TestEnd, ended: Failure | undefined, run: ClaimedRun): string {
  if (ended?.code === 'time_limit') return `it ran longer than ${run.options.timeoutSeconds}s`;
  if (ended !== undefined) return `it was ended: ${redactor.text(exit.detail)}`;
  if (outcome.kind === 'done') return '';
  return exit.code === null ? `ended by ${exit.signal ?? 'a signal'}` : `exit code ${exit.code}`;
}

/** True: the tree is again what was tested. One that cannot be brought back goes; the next run lays it out anew. */
async function restoreTree(context: WorkerContext, run: ClaimedRun, signal: AbortSignal): Promise<boolean> {
  if (run.headCommit === null) throw new Error('tests ran before there was work');
  const folder = workspaceFolder(context.folders, run);
  const place = context.executor.place(folder, run.workspaceNumber);
  const command = restoreCommand({ tree: place.treeInside, commit: run.headCommit });
  const restored = await runInSandbox(
    context.executor,
    place,
    { ...command, brief: true },
    {
      limits: context.settings.sandbox,
      timeoutMs: restoreTimeoutMs,
      maxOutputBytes: restoreOutputBytes,
      signal,
    },
  ).then(
    ({ code }) => code === 0,
    (error: unknown) => {
      // A tree that cannot even be entered any more, or one that a process before this one has put away.
      if (error instanceof SandboxNotStarted) return false;
      throw error;
    },
  );
  if (!restored) await discardFolder(context, folder);
  return restored;
}
