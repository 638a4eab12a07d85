import { rm } from 'node:fs/promises';
import type { AgentTask } from '../agents/agent.ts';
import type { NewEvent } from '../domain/event.ts';
import type { FailurePhase } from '../domain/failure.ts';
import { createGrowingRedactor, type GrowingRedactor } from '../secrets/growing-redactor.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { recordExit, startRun } from '../store/move-run.ts';
import { readClaim } from '../store/read-claim.ts';
import { wakeWorkflow } from '../store/wakeups.ts';
import type { WarmSupervisor } from '../supervisor/start.ts';
import { agentTaskOf } from './agent-task.ts';
import type { WorkerContext } from './context.ts';
import type { Conversation } from './conversation.ts';
import { withPatience } from '../store/patience.ts';
import { finishAttempt } from './finish-attempt.ts';
import { followAgent } from './follow-agent.ts';
import { failAttempt, recordCancelled } from './fail-attempt.ts';
import { failureOf } from './failures.ts';
import { openSecrets, type OpenedSecrets } from './open-secrets.ts';
import { hasTree, prepareWorkspace, workBranch } from './prepare-workspace.ts';
import { recordStep } from './record-output.ts';
import { hidingFrom } from './remote-of.ts';
import { RunStop, stopBehind } from './run-stop.ts';
import { stopGraceMs, warmUp } from './start-agent.ts';
import { endSupervisor, runFolder } from './workspace-folders.ts';

/** Past this, the end of a sandbox that is not ours any more is its supervisor's own watch to keep. */
const lostPatienceMs = 10_000;

/**
 * Sees one claimed run through, from whatever state it is in: a run that was adopted after a crash takes
 * the same road as a new one. Each step ends with a compare-and-set; after it the record is read again, and
 * it alone says what comes next. Never rejects.
 *
 * The signal's reason is a `RunStop`.
 */
export async function runAttempt(
  context: WorkerContext,
  run: ClaimedRun,
  { signal, onWaiting }: Attending,
): Promise<void> {
  const redactor = createGrowingRedactor([], Infinity);
  const findCredential = hidingFrom(redactor, context.findCredential);
  const attempt: Attempt = { context: { ...context, findCredential }, run, redactor, signal, onWaiting };
  try {
    while (await takeStep(attempt)) {
      // The record says what comes next.
    }
  } catch (error) {
    await endBrokenOff(attempt, error);
  } finally {
    attempt.warm?.discard();
    context.wakeups.wake('stream', run.taskId);
    if (run.workflowRunId !== null) wakeWorkflow(context.wakeups, run.workflowRunId);
  }
}

export type Attending = {
  readonly signal: AbortSignal;
  /** The run begins, or ceases, to wait for a person. */
  readonly onWaiting: (waiting: boolean) => void;
};

type Attempt = Attending & {
  readonly context: WorkerContext;
  /** As the record was read last. */
  run: ClaimedRun;
  /** Learns every secret that is opened for the run. */
  readonly redactor: GrowingRedactor;
  /** The task's own secrets; opened when the first of them may go somewhere. */
  secrets?: OpenedSecrets;
  /** What the agent is asked; the same for every process that works on the run. */
  task?: AgentTask;
  warm?: WarmSupervisor | undefined;
  conversation?: Conversation;
};

/** Does what the run's state asks for; false when it has ended, or is somebody else's. */
async function takeStep(attempt: Attempt): Promise<boolean> {
  const { context, signal } = attempt;
  signal.throwIfAborted();
  const now = await withPatience(signal, () => readClaim(context.database, attempt.run));
  if (now === undefined) throw new RunStop('lost');
  attempt.run = { ...attempt.run, ...now };
  if (now.cancelRequested) throw new RunStop('cancelled');
  switch (now.state) {
    case 'preparing':
      await inPhase(attempt, 'prepare', prepare);
      return true;
    case 'running':
      await inPhase(attempt, 'agent', follow);
      return true;
    case 'collecting':
      return inPhase(attempt, 'collect', collect);
    default:
      return now.state satisfies never;
  }
}

async function secretsOf(attempt: Attempt): Promise<OpenedSecrets> {
  attempt.secrets ??= await openSecrets(attempt.context, attempt, attempt.signal);
  return attempt.secrets;
}

async function taskOf(attempt: Attempt): Promise<AgentTask> {
  const { context, run, signal } = attempt;
  const { servers } = await secretsOf(attempt);
  attempt.task ??= await agentTaskOf(context, run, { servers, signal });
  return attempt.task;
}

async function prepare(attempt: Attempt): Promise<void> {
  const { context, run, signal } = attempt;
  await secretsOf(attempt);
  attempt.warm = warmUp(context, run);
  const clones = !hasTree(context, run);
  if (clones) {
    const { repositoryUrl } = run;
    await recordStep(context, run, { type: 'clone_started', data: { repositoryUrl } }, signal);
  }
  const { baseBranch, baseCommit, headCommit } = await prepareWorkspace(context, run, signal);
  const branch = workBranch(context, run);
  const workspace = { workspaceId: run.workspaceId, baseBranch, baseCommit, headCommit };
  await withPatience(signal, () =>
    startRun(context.database, run, workspace, [
      ...(clones
        ? [{ type: 'clone_completed' as const, data: { branch, baseBranch, commit: baseCommit } }]
        : []),
      ...(run.cause === 'resumed' ? [{ type: 'run_resumed' as const, data: {} }] : []),
      ...(run.aside ? [{ type: 'review_started' as const, data: {} }] : []),
      startedEvent(run),
    ]),
  );
  context.faults.reach('start.recorded');
  context.wakeups.wake('stream', run.taskId);
}

function startedEvent({ kind, agent, iteration, options }: ClaimedRun): NewEvent {
  return kind === 'test'
    ? { type: 'tests_started', data: { command: options.testCommand ?? '' } }
    : { type: 'agent_started', data: { agent, iteration } };
}

async function follow(attempt: Attempt): Promise<void> {
  const { context, run, signal, onWaiting, warm } = attempt;
  const { redactor, modelKey: key } = await secretsOf(attempt);
  const task = await taskOf(attempt);
  const { exit, conversation } = await followAgent({
    context,
    run,
    task,
    redactor,
    key,
    warm,
    onWaiting,
    signal,
  });
  attempt.warm = undefined;
  attempt.conversation = conversation;
  await withPatience(signal, () => recordExit(context.database, run, exit));
  context.faults.reach('collect.recorded');
}

async function collect(attempt: Attempt): Promise<boolean> {
  const { context, run, signal, conversation } = attempt;
  const { redactor } = await secretsOf(attempt);
  const task = await taskOf(attempt);
  const ended = await finishAttempt(context, run, { conversation, task, redactor }, signal);
  context.faults.reach('finish.recorded');
  if (ended) await tidy(context, run);
  return !ended;
}

/** Names the phase of what goes wrong in a step. */
async function inPhase<Result>(
  attempt: Attempt,
  phase: FailurePhase,
  step: (attempt: Attempt) => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt.context.telemetry.phase(
      attempt.run,
      phase,
      () => step(attempt),
      (error) => {
        const stop = stopBehind(error, attempt.signal);
        if (stop !== undefined) return { attributes: { 'slipway.run.stop': stop.kind } };
        return { error: failureOf(error, phase).code };
      },
    );
  } catch (error) {
    if (stopBehind(error, attempt.signal) === undefined) throw new PhaseError(phase, error);
    throw error;
  }
}

class PhaseError extends Error {
  readonly phase: FailurePhase;

  constructor(phase: FailurePhase, cause: unknown) {
    super(`the phase ${phase} failed`, { cause });
    this.phase = phase;
  }
}

/** The end of an attempt that did not come to its own: by a stop, or by an error of one of its steps. */
async function endBrokenOff(attempt: Attempt, error: unknown): Promise<void> {
  const { context, run, signal } = attempt;
  const folder = runFolder(context.folders, run);
  const stop = stopBehind(error, signal);
  const cause = error instanceof PhaseError ? error.cause : error;
  const phase = error instanceof PhaseError ? error.phase : 'infrastructure';
  try {
    if (stop?.kind === 'shutdown') return;
    if (stop?.kind === 'lost') {
      context.telemetry.lost();
      await endSupervisor(folder, 0, AbortSignal.timeout(lostPatienceMs));
    } else if (stop?.kind === 'cancelled') {
      await endSupervisor(folder, stopGraceMs, AbortSignal.timeout(lostPatienceMs));
      await recordCancelled(context, run);
    } else {
      // A living agent that nobody follows any more would run into its limits alone.
      await endSupervisor(folder, 0, AbortSignal.timeout(lostPatienceMs));
      const recorded = await failAttempt(context, run, {
        error: cause,
        phase,
        redactor: attempt.secrets?.redactor,
      });
      if (!recorded) await recordCancelled(context, run);
    }
    await tidy(context, run);
  } catch (failure) {
    context.logger.error(
      { error: String(failure), taskId: run.taskId, runId: run.runId, traceId: run.traceId },
      'the end of a run could not be recorded; the sweeper will do it',
    );
  }
}

/** The supervisor's files; the workspace stays for what may follow, and is measured behind the run's back. */
async function tidy(context: WorkerContext, run: ClaimedRun): Promise<void> {
  await rm(runFolder(context.folders, run), { recursive: true, force: true });
  context.wakeups.wake('workspace', run.workspaceId);
}
