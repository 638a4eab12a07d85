import { open } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';

import { endLaunch } from '../lib/end-launch.ts';
import { spawnLaunch, type SpawnedLaunch } from '../lib/spawn-launch.ts';
import type { Executor, Launch, Place, SandboxCommand, SandboxLimits } from './executor.ts';

export type SandboxRun = {
  readonly limits: SandboxLimits;
  readonly timeoutMs: number;
  /** Written to stdin; without it, stdin is empty. */
  readonly input?: string | Buffer;
  /** A command that writes more to stdout is ended; what fits is kept. */
  readonly maxOutputBytes: number;
  /** A file of the host that stdout goes to instead of the result; created, or emptied, for the server's user only. */
  readonly stdoutFile?: string;
  readonly signal: AbortSignal;
};

export type SandboxResult = {
  readonly code: number | null;
  /** Also named where the sandbox reports it as 128 + its number in `code`. */
  readonly signal: string | null;
  /** UTF-8; empty with `stdoutFile`. */
  readonly stdout: string;
  /** The last 64 KiB, as UTF-8. */
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Whether `maxOutputBytes` was exceeded. */
  readonly truncated: boolean;
};

/** The sandbox could not be built: the host's fault or the operator's, never the command's. */
export class SandboxNotStarted extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(`The sandbox could not be started: ${detail}`, options);
    this.name = 'SandboxNotStarted';
  }
}

const stderrBytes = 64 * 1024;
/** How long the end of a killed sandbox is waited for, and then the rest of its output. */
const endPatienceMs = 2500;
const drainPatienceMs = 500;

/**
 * Runs one short command in a sandbox of its own and waits until everything that it started is gone; for
 * the worker's own steps in a tree. Exit codes never reject. Rejects with `SandboxNotStarted`, with the file
 * system's error about `stdoutFile`, and with the signal's reason on abort: each time after the end of it all.
 */
export async function runInSandbox(
  executor: Executor,
  place: Place,
  command: SandboxCommand,
  run: SandboxRun,
): Promise<SandboxResult> {
  run.signal.throwIfAborted();
  const launch = await executor.launch(place, command, run.limits);
  try {
    return await runLaunch(launch, run);
  } finally {
    await executor.release(launch);
  }
}

async function runLaunch(launch: Launch, run: SandboxRun): Promise<SandboxResult> {
  await using file = run.stdoutFile === undefined ? undefined : await open(run.stdoutFile, 'w', 0o600);
  const spawned = await spawnLaunch(launch, {
    stdin: run.input === undefined ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  }).catch((error: unknown) => {
    throw new SandboxNotStarted(String(error), { cause: error });
  });
  feed(spawned.stdin, run.input);
  const over = Promise.withResolvers<'timeout' | 'abort' | 'overflow' | 'exit'>();
  const kept = keepUpTo(spawned.stdout, run.maxOutputBytes, file, () => over.resolve('overflow'));
  const errors = keepEnd(spawned.stderr, stderrBytes);
  const timer = setTimeout(() => over.resolve('timeout'), run.timeoutMs);
  const onAbort = (): void => over.resolve('abort');
  run.signal.addEventListener('abort', onAbort, { once: true });
  if (run.signal.aborted) onAbort();
  void spawned.exited.then(() => over.resolve('exit'));
  const why = await over.promise;
  clearTimeout(timer);
  run.signal.removeEventListener('abort', onAbort);
  const exit = await endOf(spawned, launch);
  await settled([kept.done, errors.done], drainPatienceMs, [spawned.stdout, spawned.stderr]);
  if (why === 'abort') throw run.signal.reason;
  if (kept.failure() !== undefined) throw kept.failure();
  if (exit.kind === 'not_started' && why === 'exit') throw new SandboxNotStarted(errors.text().trim());
  return {
    code: exit.code,
    signal: exit.kind === 'ended' ? exit.signal : null,
    stdout: kept.text(),
    stderr: errors.text(),
    timedOut: why === 'timeout',
    truncated: kept.overflowed(),
  };
}

async function endOf(spawned: SpawnedLaunch, launch: Launch): Promise<Awaited<SpawnedLaunch['exited']>> {
  const { pid, insidePid } = spawned;
  await endLaunch({ pid, insidePid, controlGroups: launch.controlGroups }, endPatienceMs);
  return spawned.exited;
}

function feed(stdin: Writable | undefined, input: string | Buffer | undefined): void {
  if (stdin === undefined) return;
  // A command may end without reading its input: its exit code says what that means.
  stdin.on('error', () => {});
  stdin.end(input);
}

type Kept = {
  readonly done: Promise<void>;
  readonly text: () => string;
  readonly overflowed: () => boolean;
  readonly failure: () => unknown;
};

/** Keeps the first `maxBytes` of a stream, in memory or in a file; says once when there is more. */
function keepUpTo(
  stream: Readable | undefined,
  maxBytes: number,
  file: { readonly write: (chunk: Buffer) => Promise<unknown> } | undefined,
  onMore: () => void,
): Kept {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let more = false;
  let failure: unknown;
  const consume = async (): Promise<void> => {
    for await (const chunk of stream ?? []) {
      if (!Buffer.isBuffer(chunk) || more) continue;
      const fitting = chunk.subarray(0, maxBytes - bytes);
      bytes += fitting.length;
      if (file === undefined) chunks.push(fitting);
      else await writeAll(file, fitting);
      if (fitting.length < chunk.length) {
        more = true;
        onMore();
      }
    }
  };
  const done = consume().catch((error: unknown) => {
    // A stream that we destroyed ourselves is no failure; a file that cannot be written is.
    if (stream?.destroyed !== true || stream.errored === null)
      failure = isPrematureClose(error) ? undefined : error;
    onMore();
  });
  return {
    done,
    text: () => Buffer.concat(chunks).toString('utf8'),
    overflowed: () => more,
    failure: () => failure,
  };
}

async function writeAll(
  file: { readonly write: (chunk: Buffer) => Promise<unknown> },
  chunk: Buffer,
): Promise<void> {
  if (chunk.length > 0) await file.write(chunk);
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function keepEnd(
  stream: Readable | undefined,
  maxBytes: number,
): { readonly done: Promise<void>; readonly text: () => string } {
  let end = Buffer.alloc(0);
  const consume = async (): Promise<void> => {
    for await (const chunk of stream ?? []) {
      if (Buffer.isBuffer(chunk)) end = Buffer.concat([end, chunk]).subarray(-maxBytes);
    }
  };
  return { done: consume().catch(() => {}), text: () => end.toString('utf8') };
}

/** Waits for the readers; a pipe that something still holds open is let go after the patience. */
async function settled(
  readers: readonly Promise<void>[],
  patienceMs: number,
  streams: readonly (Readable | undefined)[],
): Promise<void> {
  const timer = setTimeout(() => streams.forEach((stream) => stream?.destroy()), patienceMs);
  await Promise.all(readers);
  clearTimeout(timer);
}
