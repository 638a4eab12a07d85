import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What `post-load.ts` is told. */
export type PostLoad = {
  readonly url: string;
  readonly token: string;
  readonly body: string;
  readonly connections: number;
  readonly maxRequests: number;
  readonly maxMs: number;
};

/** What `post-load.ts` says. */
export type PostLoadResult = {
  readonly latenciesMs: readonly number[];
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** What the load itself took of the processor. */
  readonly cpuSeconds: number;
};

/** What `stream-clients.ts` is told. */
export type StreamClients = {
  readonly baseUrl: string;
  readonly token: string;
  readonly taskIds: readonly string[];
  readonly clientsPerTask: number;
};

/** What `stream-clients.ts` says when it is over. */
export type StreamResult = {
  /** One for each event that each client received: from the database's time of it to its arrival. */
  readonly sinceAppendedMs: readonly number[];
  /** From the time that the line itself tells to its arrival, where lines tell one. */
  readonly sincePrintedMs: readonly number[];
};

/** A program of this folder in a process of its own, so that it takes no time of the one that measures. */
export type LoadProgram = AsyncDisposable & {
  readonly pid: number;
  /** The next line that it prints. Rejects when it ends without one. */
  readonly line: () => Promise<string>;
  readonly send: (message: unknown) => void;
  /** Ends its stdin. */
  readonly finish: () => void;
};

const endPatienceMs = 5_000;

/** Starts a program by its address. Disposing ends it, by force where the end of its stdin is not enough. */
export function startLoadProgram(address: string, signal: AbortSignal): LoadProgram {
  const child = spawn(process.execPath, [new URL(address).pathname], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
    killSignal: 'SIGKILL',
  });
  // An abort is told to whoever waits for a line.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    async line() {
      const next = await lines.next();
      signal.throwIfAborted();
      if (next.done === true) throw new Error(`${address} ended without a word`);
      return next.value;
    },
    send: (message) => child.stdin.write(`${JSON.stringify(message)}\n`),
    finish: () => child.stdin.end(),
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const patience = setTimeout(() => child.kill('SIGKILL'), endPatienceMs);
  await ended;
  clearTimeout(patience);
}
