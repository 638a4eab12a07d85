import type { AgentTask } from '../agents/agent.ts';
import { RunFailure, type Failure } from '../domain/failure.ts';
import type { Secret } from '../lib/secret.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { attachSupervisor, type Attached } from '../supervisor/attach.ts';
import type { ExitRecord } from '../supervisor/protocol.ts';
import type { WarmSupervisor } from '../supervisor/start.ts';
import { agentOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { createConversation, type Conversation, type ConversationLine } from './conversation.ts';
import { recordLoggedFailures } from './mcp-servers.ts';
import { mindQuestions } from './mind-questions.ts';
import { openSpool, type SpoolReader } from './output-reader.ts';
import { createNoticeRecorder } from './record-notices.ts';
import { recordOutput } from './record-output.ts';
import { RunStop } from './run-stop.ts';
import { startAgent, stopGraceMs, warmUp } from './start-agent.ts';
import { runFolder } from './workspace-folders.ts';

/** A file without a process and without a record: its sandbox ended with it, and nobody knows how far it was. */
const supervisorDied: Failure = {
  code: 'worker_lost',
  phase: 'infrastructure',
  retryable: true,
  message: 'the process that supervised the agent was killed, and the agent ended with it',
};

/** Between asking an agent in its own protocol to break off and the signal. A cancel has to be over within 3 s. */
const interruptGraceMs = 700;

export type Following = {
  readonly context: WorkerContext;
  readonly run: ClaimedRun;
  readonly task: AgentTask;
  readonly redactor: Redactor;
  readonly key: Secret | undefined;
  /** A supervisor whose start was begun during the preparation. */
  readonly warm: WarmSupervisor | undefined;
  /** The run begins, or ceases, to wait for a person: who waits holds no slot. */
  readonly onWaiting: (waiting: boolean) => void;
  readonly signal: AbortSignal;
};

/** How the agent ended, and the conversation of which every line was read. */
export type Followed = { readonly exit: ExitRecord; readonly conversation: Conversation };

/**
 * Sees the agent through to its end: starts it where nobody has, turns every line of its spool into events
 * once, answers it, and ends it when the run is cancelled. Adopting one that a dead server left is the same
 * path: the lines before the recorded offset are read again for the reader alone.
 *
 * @throws RunStop when the run is somebody else's or was cancelled; RunFailure when the sandbox vanished
 * without a record.
 */
export async function followAgent(following: Following): Promise<Followed> {
  const { context, run, task, redactor, signal } = following;
  const folder = runFolder(context.folders, run);
  const conversation = createConversation(agentOf(context, run).reader(task));
  const spool = openSpool(folder, run.outputAt);
  const pump = createPump(following, conversation, spool);
  const recordNotices = createNoticeRecorder(context, run, signal);
  try {
    for (;;) {
      const supervisor = await attachSupervisor(folder, signal);
      if (supervisor.kind === 'ended') {
        await pump(true, undefined);
        await recordLoggedFailures(context, run, { reader: conversation.reader, redactor }, signal);
        await recordNotices();
        context.faults.reach('work.exited');
        return { exit: supervisor.exit, conversation };
      }
      if (supervisor.kind === 'gone') {
        if (supervisor.existed) throw new RunFailure(supervisorDied);
        const { warm = warmUp(context, run), key } = following;
        await startAgent(context, run, { warm, task, key });
        continue;
      }
      context.faults.reach('work.attached');
      await attend(following, { supervisor, conversation, pump, recordNotices });
    }
  } finally {
    following.onWaiting(false);
    await spool.close();
  }
}

type Pump = (last: boolean, line: ConversationLine | undefined) => Promise<void>;

type Attending = {
  readonly supervisor: Attached;
  readonly conversation: Conversation;
  readonly pump: Pump;
  readonly recordNotices: () => Promise<void>;
};

/** One connection's life. Returns when it is over, for whatever reason: the folder tells what to do next. */
async function attend(following: Following, attending: Attending): Promise<void> {
  const { context, signal } = following;
  const { supervisor, conversation, pump, recordNotices } = attending;
  const line = conversation.lineTo(supervisor, context.settings.agentExitMs);
  const over = new AbortController();
  const breakOff = (): void => breakOffGently(supervisor, conversation, over.signal);
  const onAbort = (): void => {
    if (!(signal.reason instanceof RunStop)) return;
    if (signal.reason.kind === 'cancelled') breakOff();
    if (signal.reason.kind === 'lost') supervisor.stop(0);
    if (signal.reason.kind === 'shutdown') supervisor.close();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let minding: Promise<void> | undefined;
  const onOutput = async (): Promise<void> => {
    await pump(false, line);
    if (!conversation.asks()) return;
    minding ??= mindQuestions(following, { line, breakOff, signal: AbortSignal.any([signal, over.signal]) });
  };
  try {
    await onOutput();
    for await (const message of supervisor.messages) {
      if (message.type === 'exit') return;
      if (signal.aborted) continue;
      if (message.type === 'notices') await recordNotices();
      else await onOutput();
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', onAbort);
    over.abort();
    await minding;
    supervisor.close();
  }
}

/** By the agent's own protocol where it has one, then by signal, then with its sandbox. */
function breakOffGently(supervisor: Attached, { reader }: Conversation, over: AbortSignal): void {
  const interrupt = reader.interrupt();
  if (interrupt === undefined) {
    supervisor.stop(stopGraceMs);
    return;
  }
  supervisor.input({ ...interrupt, end: interrupt.end === true });
  const timer = setTimeout(() => supervisor.stop(stopGraceMs - interruptGraceMs), interruptGraceMs);
  over.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

/** Reads what is new in the spool and records it, in order; feeds the reader with what was recorded before. */
function createPump(
  { context, run, redactor, signal }: Following,
  conversation: Conversation,
  spool: SpoolReader,
): Pump {
  return async (last, line) => {
    for (;;) {
      const batch = await spool.next(last);
      if (batch === undefined) break;
      // Before the reader cuts anything: half a secret is none that the redactor knows.
      const reading = conversation.reader.read(batch.lines.map((text) => redactor.text(text)));
      if (batch.to > run.outputAt) {
        await recordOutput(context, run, { reading, from: batch.from, to: batch.to, redactor }, signal);
      }
      // Only now: a question that is not in the record must not be answered.
      conversation.learn(reading);
      line?.speak();
    }
    line?.speak();
  };
}
