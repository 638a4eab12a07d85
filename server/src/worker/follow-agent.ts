import type { AgentReader } from '../agents/agent.ts';
import { RunFailure, type Failure } from '../domain/failure.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { attachSupervisor, type Attached } from '../supervisor/attach.ts';
import type { ExitRecord } from '../supervisor/protocol.ts';
import type { WarmSupervisor } from '../supervisor/start.ts';
import type { WorkerContext } from './context.ts';
import { openSpool, type SpoolReader } from './output-reader.ts';
import { recordOutput } from './record-output.ts';
import { RunStop } from './run-stop.ts';
import { agentOf, startAgent, stopGraceMs, warmUp } from './start-agent.ts';
import { runFolder } from './workspace-folders.ts';

/** A file without a process and without a record: its sandbox ended with it, and nobody knows how far it was. */
const supervisorDied: Failure = {
  code: 'worker_lost',
  phase: 'infrastructure',
  retryable: true,
  message: 'the process that supervised the agent was killed, and the agent ended with it',
};

export type Following = {
  readonly context: WorkerContext;
  readonly run: ClaimedRun;
  readonly redactor: Redactor;
  /** A supervisor whose start was begun during the preparation. */
  readonly warm: WarmSupervisor | undefined;
  readonly signal: AbortSignal;
};

/** How the agent ended, and the reader that has seen every line it wrote. */
export type Followed = { readonly exit: ExitRecord; readonly reader: AgentReader };

/**
 * Sees the agent through to its end: starts it where nobody has, turns every line of its spool into events
 * once, and ends it when the run is cancelled. Adopting one that a dead server left is the same path: the
 * lines before the recorded offset are read again for the reader alone.
 *
 * @throws RunStop when the run is somebody else's or was cancelled; RunFailure when the sandbox vanished
 * without a record.
 */
export async function followAgent(following: Following): Promise<Followed> {
  const { context, run, signal } = following;
  const folder = runFolder(context.folders, run);
  const reader = agentOf(context, run).reader();
  const spool = openSpool(folder, run.outputAt);
  const pump = createPump(following, reader, spool);
  try {
    for (;;) {
      const supervisor = await attachSupervisor(folder, signal);
      if (supervisor.kind === 'ended') {
        await pump(true);
        context.faults.reach('work.exited');
        return { exit: supervisor.exit, reader };
      }
      if (supervisor.kind === 'gone') {
        if (supervisor.existed) throw new RunFailure(supervisorDied);
        await startAgent(context, run, following.warm ?? warmUp(context));
        continue;
      }
      context.faults.reach('work.attached');
      await attend(supervisor, pump, signal);
    }
  } finally {
    await spool.close();
  }
}

/** One connection's life. Returns when it is over, for whatever reason: the folder tells what to do next. */
async function attend(
  supervisor: Attached,
  pump: (last: boolean) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const onAbort = (): void => {
    if (!(signal.reason instanceof RunStop)) return;
    if (signal.reason.kind === 'cancelled') supervisor.stop(stopGraceMs);
    if (signal.reason.kind === 'lost') supervisor.stop(0);
    if (signal.reason.kind === 'shutdown') supervisor.close();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await pump(false);
    for await (const message of supervisor.messages) {
      if (message.type === 'exit') return;
      if (!signal.aborted) await pump(false);
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', onAbort);
    supervisor.close();
  }
}

/** Reads what is new in the spool and records it, in order; feeds the reader with what was recorded before. */
function createPump(
  { context, run, redactor, signal }: Following,
  reader: AgentReader,
  spool: SpoolReader,
): (last: boolean) => Promise<void> {
  return async (last) => {
    for (;;) {
      const batch = await spool.next(last);
      if (batch === undefined) return;
      // Before the reader cuts anything: half a secret is none that the redactor knows.
      const events = reader.read(batch.lines.map((line) => redactor.text(line)));
      if (batch.to <= run.outputAt) continue;
      await recordOutput(context, run, { events, from: batch.from, to: batch.to, redactor }, signal);
    }
  };
}
