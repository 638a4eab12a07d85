import { existsSync } from 'node:fs';
import type { AgentOutcome } from '../agents/agent.ts';
import { readReview } from '../domain/review-answer.ts';
import type { ReviewResult } from '../domain/review.ts';
import { runInSandbox, SandboxNotStarted } from '../executors/run-in-sandbox.ts';
import { readUnchanged, unchangedCommand } from '../git/unchanged.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { finishReview, type ReadOnly, type Reviewed } from '../store/end-review.ts';
import { finishRun } from '../store/finish-run.ts';
import { withPatience } from '../store/patience.ts';
import { readRunModel } from '../store/spend.ts';
import { reviews } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { durationOf } from './fail-attempt.ts';
import { pullRequestOf } from './find-start.ts';
import { keepSession } from './keep-session.ts';
import { versionOf } from './program-version.ts';
import { discardFolder, workspaceFolder } from './workspace-folders.ts';

const proofTimeoutMs = 5 * 60_000;
const proofBytes = 64 * 1024;
const nothingToCompare = { files: [], more: 0 };

export type Answer = {
  readonly outcome: AgentOutcome & { readonly kind: 'done' };
  readonly redactor: Redactor;
};

/**
 * Ends a run that was to read only: what it did to its tree is thrown away, and its answer is the result. Of a
 * run that reviews, the answer is read as a review, whatever it is. False: the record was moved meanwhile.
 */
export async function finishReadOnly(
  context: WorkerContext,
  run: ClaimedRun,
  { outcome, redactor }: Answer,
  signal: AbortSignal,
): Promise<boolean> {
  const agentVersion = await versionOf(context, run);
  const session = run.aside ? undefined : await keepSession(context, run, signal);
  const readOnly = await proveUnchanged(context, run, signal);
  const answer = redactor.text(outcome.result);
  const durationMs = durationOf(run);
  const reviewed = reviews(run) ? await reviewOf(context, run, { outcome, answer, signal }) : undefined;
  const { database } = context;
  const ended = await withPatience(signal, () =>
    run.aside && reviewed !== undefined
      ? finishReview(database, run, { ...reviewed, readOnly, answer, agentVersion, durationMs })
      : finishRun(database, run, {
          result: answer,
          stopReason: outcome.stopReason,
          agentVersion,
          session,
          durationMs,
          work: undefined,
          readOnly,
          reviewed: reviewed && { ...reviewed, post: postOf(context, run) },
          push: undefined,
        }),
  );
  if (!ended) return false;
  context.wakeups.wake('effect', run.taskId);
  context.wakeups.wake('run', run.runId);
  context.telemetry.ended(run, 'succeeded');
  return true;
}

/** Where the task wants its review posted. */
function postOf({ ids }: WorkerContext, run: ClaimedRun) {
  if (run.kind !== 'pr_review' || run.options.outputMode !== 'post_comments') return undefined;
  return { effectId: ids.ordered(), number: pullRequestOf(run) };
}

async function reviewOf(
  context: WorkerContext,
  run: ClaimedRun,
  {
    outcome,
    answer,
    signal,
  }: { readonly outcome: Answer['outcome']; readonly answer: string; readonly signal: AbortSignal },
): Promise<Reviewed> {
  const { treeInside: tree } = placeOf(context, run);
  const { review, from } = readReview({ text: answer, structured: outcome.structured, tree });
  const reviewedBy = await withPatience(signal, () => reviewerOf(context, run));
  const result: ReviewResult = { ...review, reviewedBy, durationSeconds: durationOf(run) / 1_000 };
  return { result, from, commit: commitOf(run) };
}

/** The agent with its model: the one that was asked for, else the one that it says it has used. */
async function reviewerOf({ database }: WorkerContext, run: ClaimedRun): Promise<string> {
  const own = run.agent === run.options.agent ? run.options.model : undefined;
  const model = run.model ?? own ?? (await readRunModel(database, run.runId));
  // Codex does not say which model it took where none was named.
  return model === undefined || model === run.agent ? run.agent : `${run.agent}:${model}`;
}

/** What the run looked at. */
function commitOf({ headCommit, baseCommit }: ClaimedRun): string {
  const commit = headCommit ?? baseCommit;
  if (commit === null) throw new Error('a run is collected before its workspace was recorded');
  return commit;
}

/**
 * Compares the tree with the commit that the run looked at. One that differs is thrown away, with whatever else
 * the agent has done to it: the next run here is laid out anew.
 */
async function proveUnchanged(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<ReadOnly> {
  const place = placeOf(context, run);
  // Thrown away already, by a process that was ended before it could record it.
  if (!existsSync(place.tree)) return { restored: nothingToCompare };
  const command = unchangedCommand({ tree: place.treeInside, commit: commitOf(run) });
  const { sandbox: limits } = context.settings;
  const changed = await runInSandbox(
    context.executor,
    place,
    { ...command, brief: true },
    { limits, timeoutMs: proofTimeoutMs, maxOutputBytes: proofBytes, signal },
  ).then(readUnchanged, (error: unknown) => {
    // A tree that cannot even be entered any more.
    if (error instanceof SandboxNotStarted) return nothingToCompare;
    throw error;
  });
  if (changed !== undefined) await discardFolder(context, workspaceFolder(context.folders, run));
  return { restored: changed };
}

function placeOf(context: WorkerContext, run: ClaimedRun) {
  return context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
}
