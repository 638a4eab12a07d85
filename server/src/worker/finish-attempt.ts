import type { AgentOutcome, AgentTask } from '../agents/agent.ts';
import type { Failure } from '../domain/failure.ts';
import type { Redactor } from '../secrets/redact.ts';
import { readAnswers } from '../store/answers.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { finishRun, type KeptSession, type Work } from '../store/finish-run.ts';
import { withPatience } from '../store/patience.ts';
import type { ExitRecord } from '../supervisor/protocol.ts';
import { parseExit } from '../supervisor/records.ts';
import { agentOf, readsOnly } from './agent-of.ts';
import { collectWork } from './collect-work.ts';
import type { WorkerContext } from './context.ts';
import { createConversation, type Conversation } from './conversation.ts';
import { durationOf, recordFailure } from './fail-attempt.ts';
import { failureOfExit } from './failures.ts';
import { finishReadOnly } from './finish-read-only.ts';
import { finishTestRun } from './finish-tests.ts';
import { keepSession } from './keep-session.ts';
import { readSpool } from './output-reader.ts';
import { parkAttempt } from './park-attempt.ts';
import { versionOf } from './program-version.ts';
import { pushOf } from './publishing.ts';
import { readErrors } from './read-errors.ts';
import { runFolder } from './workspace-folders.ts';

const noChanges = 'The agent changed nothing.';
/** Of a task that is to deliver something. */
const nothingToChange: Failure = {
  code: 'no_changes',
  phase: 'collect',
  retryable: false,
  message: 'there was nothing to change: the agent ended without a change',
};

export type Seen = {
  /** The conversation of a run whose lines this process has read itself. */
  readonly conversation: Conversation | undefined;
  readonly task: AgentTask;
  readonly redactor: Redactor;
};

/**
 * Judges how the agent ended, brings its work out and ends the run; its words go through the redactor. The
 * same after a restart: what was done is done again, and the record's compare-and-set decides. False: the
 * record was moved meanwhile; look again.
 */
export async function finishAttempt(
  context: WorkerContext,
  run: ClaimedRun,
  seen: Seen,
  signal: AbortSignal,
): Promise<boolean> {
  const exit = parseExit(run.exit);
  if (exit === undefined) throw new Error('a run is collected without an exit record');
  const conversation = seen.conversation ?? (await readAgain(context, run, seen));
  const outcome = conversation.reader.outcome({
    code: exit.code,
    signal: exit.signal,
    finished: exit.reason !== 'exited',
    errors: seen.redactor.text(await readErrors(context, run)),
  });
  if (run.kind === 'test') {
    return finishTestRun(context, run, { exit, outcome, redactor: seen.redactor }, signal);
  }
  // An answer may overtake the interrupt that puts its agent away: a turn that then ended well is done.
  const ended = conversation.ended() && outcome.kind === 'done';
  if (!ended && (await wasPutAway(context, run, { exit, conversation, signal })))
    return parkAttempt(context, run, signal);
  // The agent's last word ends its turn, whatever then became of its process.
  if (!conversation.ended()) {
    const broken = failureOfExit(exit, timeoutOf(run));
    if (broken !== undefined) return recordBroken(context, run, exit, broken);
  }
  if (outcome.kind === 'failed') return recordOutcome(context, run, { ...seen, conversation, exit, outcome });
  if (readsOnly(run)) return finishReadOnly(context, run, { outcome, redactor: seen.redactor }, signal);
  const [collected, session] = await Promise.all([
    collectWork(context, run, signal),
    keepSession(context, run, signal),
  ]);
  // Where another task has worked before, all is as that left it.
  const work = collected?.commit === run.headCommit && !run.ownsHead ? undefined : collected;
  return finish(context, run, { outcome, work, session, redactor: seen.redactor }, signal);
}

/** An agent that asked somebody and was ended by us, or since its server was away: its run waits, or goes on. */
async function wasPutAway(
  context: WorkerContext,
  run: ClaimedRun,
  {
    exit,
    conversation,
    signal,
  }: { readonly exit: ExitRecord; readonly conversation: Conversation; readonly signal: AbortSignal },
): Promise<boolean> {
  if (run.parking) return true;
  if (conversation.ended()) return false;
  if (exit.reason !== 'stopped' && exit.reason !== 'unattended') return false;
  const asked = await withPatience(signal, () => readAnswers(context.database, run.runId));
  return asked.length > 0;
}

/** The agent's time in seconds. A review that somebody asked for has its own, all of it in each attempt. */
function timeoutOf({ aside, timeLeftMs, options }: ClaimedRun): number {
  return aside ? Math.round(timeLeftMs / 1_000) : options.timeoutSeconds;
}

function recordBroken(
  context: WorkerContext,
  run: ClaimedRun,
  exit: ExitRecord,
  broken: Failure,
): Promise<boolean> {
  const seconds = timeoutOf(run);
  const timeout = exit.reason === 'time_limit' ? [{ type: 'task_timeout' as const, data: { seconds } }] : [];
  return recordFailure(context, run, broken, { events: timeout });
}

type Failed = Seen & {
  readonly conversation: Conversation;
  readonly exit: ExitRecord;
  readonly outcome: AgentOutcome & { readonly kind: 'failed' };
};

/**
 * A failure in the agent's own words. A conversation that is lost, or that fails each time it is gone on with,
 * is given up: the next attempt begins a new one and is told the history.
 */
function recordOutcome(
  context: WorkerContext,
  run: ClaimedRun,
  { task, redactor, conversation, exit, outcome }: Failed,
): Promise<boolean> {
  const givenUp = task.resume !== undefined && isPoisoned(outcome, conversation);
  const reason = redactor.text(outcome.message);
  const failure: Failure = {
    code: outcome.code,
    phase: 'agent',
    retryable: outcome.retryable || givenUp,
    // The supervisor may know why: the kernel ended processes for their memory.
    message: [`CLI execution failed: ${reason}`, exit.detail].filter((text) => text !== '').join('. '),
  };
  if (!givenUp) return recordFailure(context, run, failure);
  const events = [{ type: 'session_lost' as const, data: { reason } }];
  return recordFailure(context, run, failure, { events, forgetSession: true });
}

function isPoisoned({ code }: Failed['outcome'], conversation: Conversation): boolean {
  if (code === 'session_lost' || code === 'context_overflow') return true;
  return (code === 'agent_failed' || code === 'agent_crashed') && !conversation.progressed();
}

type Result = {
  readonly outcome: AgentOutcome & { readonly kind: 'done' };
  readonly work: Work | undefined;
  readonly session: KeptSession | undefined;
  readonly redactor: Redactor;
};

async function finish(
  context: WorkerContext,
  run: ClaimedRun,
  { outcome, work, session, redactor }: Result,
  signal: AbortSignal,
): Promise<boolean> {
  if (run.options.mustChange === true && run.iteration === 1 && (work === undefined || isEmpty(work))) {
    return recordFailure(context, run, nothingToChange, { events: [{ type: 'no_changes', data: {} }] });
  }
  const isTested = run.options.testCommand !== undefined && work !== undefined;
  const agentVersion = await versionOf(context, run);
  const result = redactor.text(outcome.result);
  const push = isTested || work === undefined ? undefined : pushOf(context, run, { ...work, result });
  const ended = await withPatience(signal, () =>
    finishRun(context.database, run, {
      result: result === '' && work === undefined ? noChanges : result,
      stopReason: outcome.stopReason,
      agentVersion,
      session,
      durationMs: durationOf(run),
      work,
      push,
      testRunId: isTested ? context.ids.ordered() : undefined,
    }),
  );
  if (ended && push !== undefined) context.wakeups.wake('effect', run.taskId);
  if (ended) context.wakeups.wake('run', run.runId);
  if (ended) context.telemetry.ended(run, 'succeeded');
  return ended;
}

/** Commits that come to nothing. */
function isEmpty({ changes }: Work): boolean {
  return changes.filesModified + changes.filesCreated + changes.filesDeleted === 0;
}

/** The conversation of a run whose output was recorded by a process that is gone. */
async function readAgain(
  context: WorkerContext,
  run: ClaimedRun,
  { task, redactor }: Seen,
): Promise<Conversation> {
  const conversation = createConversation(agentOf(context, run).reader(task));
  for await (const { lines } of readSpool(runFolder(context.folders, run))) {
    conversation.learn(conversation.reader.read(lines.map((line) => redactor.text(line))));
  }
  return conversation;
}
