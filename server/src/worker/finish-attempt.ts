import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentReader } from '../agents/agent.ts';
import type { Failure } from '../domain/failure.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { finishRun, type Work } from '../store/finish-run.ts';
import { errorsFile } from '../supervisor/protocol.ts';
import { parseExit } from '../supervisor/records.ts';
import { collectWork } from './collect-work.ts';
import type { WorkerContext } from './context.ts';
import { withPatience } from '../store/patience.ts';
import { durationOf, recordFailure } from './fail-attempt.ts';
import { failureOfExit } from './failures.ts';
import { openSpool } from './output-reader.ts';
import { workBranch } from './prepare-workspace.ts';
import { agentOf } from './start-agent.ts';
import { runFolder } from './workspace-folders.ts';

const noChanges = 'The agent changed nothing.';

/**
 * Judges how the agent ended, brings its work out and ends the run; its words go through the redactor. The same after a restart: what was done
 * is done again, and the record's compare-and-set decides. False: the record was moved meanwhile; look again.
 */
export async function finishAttempt(
  context: WorkerContext,
  run: ClaimedRun,
  seen: { readonly reader: AgentReader | undefined; readonly redactor: Redactor },
  signal: AbortSignal,
): Promise<boolean> {
  const exit = parseExit(run.exit);
  if (exit === undefined) throw new Error('a run is collected without an exit record');
  const broken = failureOfExit(exit, run.options.timeoutSeconds);
  if (broken !== undefined) {
    const timeout =
      exit.reason === 'time_limit'
        ? [{ type: 'task_timeout' as const, data: { seconds: run.options.timeoutSeconds } }]
        : [];
    return recordFailure(context, run, broken, timeout);
  }
  const outcome = (seen.reader ?? (await readAgain(context, run, seen.redactor))).outcome({
    code: exit.code,
    signal: exit.signal,
    errors: seen.redactor.text(await readErrors(context, run)),
  });
  if (outcome.kind === 'failed') {
    const failure: Failure = {
      code: 'agent_failed',
      phase: 'agent',
      retryable: outcome.retryable,
      // The supervisor may know why: the kernel ended processes for their memory.
      message: [seen.redactor.text(outcome.message), exit.detail].filter((text) => text !== '').join('. '),
    };
    return recordFailure(context, run, failure);
  }
  const work = await collectWork(context, run, signal);
  return finish(context, run, { result: seen.redactor.text(outcome.result), work }, signal);
}

type Result = { readonly result: string; readonly work: Work | undefined };

async function finish(
  context: WorkerContext,
  run: ClaimedRun,
  { result, work }: Result,
  signal: AbortSignal,
): Promise<boolean> {
  const publishes = run.publish === 'branch' && work !== undefined;
  const ended = await withPatience(signal, () =>
    finishRun(context.database, run, {
      result: result === '' && work === undefined ? noChanges : result,
      durationMs: durationOf(run),
      work,
      push: publishes
        ? {
            effectId: context.ids.ordered(),
            branch: workBranch(context, run),
            expected: run.pushedCommit,
          }
        : undefined,
    }),
  );
  if (ended && publishes) context.wakeups.wake('effect', run.taskId);
  return ended;
}

/** The reader of a run whose output was recorded by a process that is gone. */
async function readAgain(context: WorkerContext, run: ClaimedRun, redactor: Redactor): Promise<AgentReader> {
  const reader = agentOf(context, run).reader();
  const spool = openSpool(runFolder(context.folders, run), 0);
  try {
    for (let batch = await spool.next(true); batch !== undefined; batch = await spool.next(true)) {
      reader.read(batch.lines.map((line) => redactor.text(line)));
    }
  } finally {
    await spool.close();
  }
  return reader;
}

async function readErrors(context: WorkerContext, run: ClaimedRun): Promise<string> {
  return readFile(join(runFolder(context.folders, run), errorsFile), 'utf8').catch(() => '');
}
