import { connect, type Socket } from 'node:net';

import { delay } from '../lib/abort.ts';
import { endControlGroups } from '../lib/control-group.ts';
import { readJsonLines } from '../lib/json-lines.ts';
import { isSameProcess, type ProcessIdentity } from '../lib/process-identity.ts';
import type { ExitRecord, FromSupervisor, ToSupervisor } from './protocol.ts';
import { parseFromSupervisor, readClaim, readExit } from './records.ts';

/** A connection to the supervisor of a run; as long as it stands, the run counts as attended. */
export type Attached = {
  readonly kind: 'attached';
  readonly identity: ProcessIdentity;
  /** What it says, from where it stands now; ends when the connection does. To be read by one reader. */
  readonly messages: AsyncIterable<FromSupervisor>;
  /** Asks it to end the sandbox: with SIGTERM first where `graceMs` is more than 0. May be repeated. */
  readonly stop: (graceMs: number) => void;
  /**
   * Gives the agent input, where the run keeps its stdin open; `end` closes that. Of several with the same
   * key the first is written, whoever sends them.
   */
  readonly input: (input: AttachedInput) => void;
  /** Stops the clocks of time and silence: the agent waits for a person. May be repeated. */
  readonly hold: () => void;
  /** Lets the clocks go on. May be repeated. */
  readonly go: () => void;
  /**
   * The agent has said its last word: closes its stdin at once and ends the sandbox after `graceMs`, unless
   * it has gone by itself. Repeating that changes nothing.
   */
  readonly finish: (graceMs: number) => void;
  /** Ends a supervisor that does not answer (it is frozen, say), and its sandbox with it. Nobody records that end. */
  readonly kill: () => void;
  readonly close: () => void;
};

export type AttachedInput = { readonly key: string; readonly text: string; readonly end: boolean };

export type Attachment =
  | Attached
  | { readonly kind: 'ended'; readonly exit: ExitRecord }
  /**
   * Nobody owns the run and nobody wrote down how it ended; its control groups are empty and removed.
   * `existed`: somebody had owned it.
   */
  | { readonly kind: 'gone'; readonly existed: boolean };

const longestMessageBytes = 1024 * 1024;
const retryMs = 20;
/** A supervisor that owns its folder listens some milliseconds later, or is stopped. */
const listensWithinMs = 15_000;

/**
 * Finds out how it stands with the run in this folder, and connects to its supervisor where that is alive.
 * Who loses the connection calls again. Throws the signal's reason, and an Error when a living supervisor
 * cannot be reached.
 */
export async function attachSupervisor(folder: string, signal: AbortSignal): Promise<Attachment> {
  const until = performance.now() + listensWithinMs;
  for (;;) {
    signal.throwIfAborted();
    const claim = readClaim(folder);
    const alive = claim !== undefined && claim !== 'broken' && isSameProcess(claim.identity);
    // Looked at after the supervisor was: one that is dead by now has written it before, or never will.
    const exit = await readExit(folder);
    if (!alive && claim !== undefined && claim !== 'broken') {
      // Killed in the middle of a launch, it may have left a process there; killed at all, the empty groups.
      await endControlGroups(claim.controlGroups);
    }
    if (exit !== undefined) return { kind: 'ended', exit };
    if (!alive) return { kind: 'gone', existed: claim !== undefined };
    const connection = await connectTo(claim.socket, signal);
    if (connection instanceof Error) {
      if (performance.now() > until) {
        throw new Error(`The supervisor ${claim.identity.pid} is alive and cannot be reached`, {
          cause: connection,
        });
      }
      await delay(retryMs, signal);
    } else {
      return attached(claim.identity, connection);
    }
  }
}

function attached(identity: ProcessIdentity, socket: Socket): Attached {
  const send = (message: ToSupervisor): void => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
  return {
    kind: 'attached',
    identity,
    messages: readMessages(socket),
    stop: (graceMs) => send({ type: 'stop', graceMs }),
    input: ({ key, text, end }) => send({ type: 'input', key, text, end }),
    hold: () => send({ type: 'hold' }),
    go: () => send({ type: 'go' }),
    finish: (graceMs) => send({ type: 'finish', graceMs }),
    kill() {
      if (isSameProcess(identity)) process.kill(identity.pid, 'SIGKILL');
    },
    close: () => void socket.destroy(),
  };
}

async function* readMessages(socket: Socket): AsyncGenerator<FromSupervisor, void, void> {
  try {
    for await (const value of readJsonLines(socket, longestMessageBytes)) {
      const message = parseFromSupervisor(value);
      if (message !== undefined) yield message;
    }
  } catch {
    // Broken off, by either side: the reader attaches again and learns how it stands.
  } finally {
    socket.destroy();
  }
}

function connectTo(path: string, signal: AbortSignal): Promise<Socket | Error> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const onAbort = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const settle = (result: Socket | Error): void => {
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    socket.once('connect', () => settle(socket));
    // Stays for the connection's life: a broken one ends its messages, nothing more.
    socket.on('error', settle);
  });
}
