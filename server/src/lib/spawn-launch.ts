import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { Readable, Writable } from 'node:stream';

import { readJsonLines } from './json-lines.ts';

/** What `spawnLaunch` needs to know: plain data that may have come from another process. */
export type SpawnableLaunch = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly files: readonly SpawnableFile[];
};

/** Readable by the command at `descriptor` (from 4 up, no gaps): a file of the host, or text through a pipe. */
export type SpawnableFile =
  | { readonly descriptor: number; readonly path: string }
  | { readonly descriptor: number; readonly content: string };

export type SpawnedLaunch = {
  readonly pid: number;
  /** The streams that were asked for as `'pipe'`. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** The first process inside the sandbox's own namespace, by its number outside; undefined: there is none (yet). */
  readonly insidePid: () => number | undefined;
  /** Resolves when the spawned process is gone and all that it says about itself was read; never rejects. */
  readonly exited: Promise<LaunchExit>;
};

export type LaunchExit =
  /** `signal` is also named when a shell or a sandbox reports it as 128 + its number in `code`. */
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null }
  /** The command never ran: the sandbox could not be built. Why stands in its stderr. */
  | { readonly kind: 'not_started'; readonly code: number | null };

/** Where a stream goes: a descriptor of ours that the command gets, a pipe, or nowhere. */
export type SpawnStream = number | 'pipe' | 'ignore';

/**
 * The pipe on which a launch tells about itself, in lines of JSON: `child-pid` (the first process inside) and
 * `exit-code` as bubblewrap writes them, and `started` just before the command takes its process over. A
 * launch whose `started` is not answered ends instead: its spawner is dead.
 */
const statusDescriptor = 3;

/**
 * The variable that tells a launch who spawned it. One that asked the kernel for its parent's death, and
 * then finds another parent than this, was too late with it and ends. No command gets to see it.
 */
const spawnerVariable = 'LAUNCHED_BY';

/** What a pipe still held by something that outlives the spawned process may delay the news of its end. */
const lingerMs = 100;

/**
 * Spawns a launch in a session of its own. Descriptors that are passed in `streams` stay open here; closing
 * them is the caller's. Throws what the system says when the program cannot be spawned at all.
 */
export async function spawnLaunch(
  launch: SpawnableLaunch,
  streams: { readonly stdin: SpawnStream; readonly stdout: SpawnStream; readonly stderr: SpawnStream },
): Promise<SpawnedLaunch> {
  const files = [...launch.files].sort((a, b) => a.descriptor - b.descriptor);
  if (files.some(({ descriptor }, index) => descriptor !== statusDescriptor + 1 + index)) {
    throw new RangeError('the descriptors of a launch must follow each other from 4 up');
  }
  const opened: number[] = [];
  let child: ChildProcess;
  try {
    const inherited = files.map((file) => {
      if (!('path' in file)) return 'pipe' as const;
      const descriptor = openSync(file.path, 'r');
      opened.push(descriptor);
      return descriptor;
    });
    child = spawn(launch.file, launch.args, {
      cwd: launch.cwd,
      env: { ...launch.env, [spawnerVariable]: String(process.pid) },
      detached: true,
      stdio: [streams.stdin, streams.stdout, streams.stderr, 'pipe', ...inherited],
    });
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
  return follow(child, files);
}

async function follow(child: ChildProcess, files: readonly SpawnableFile[]): Promise<SpawnedLaunch> {
  const gone = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  // A later error can only be a kill or a message that came too late.
  child.on('error', () => {});
  for (const file of files) if ('content' in file) feed(child.stdio[file.descriptor], file.content);
  const status: { insidePid?: number; started: boolean } = { started: false };
  const told = readStatus(child.stdio[statusDescriptor], status, gone);
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin ?? undefined,
    stdout: child.stdout ?? undefined,
    stderr: child.stderr ?? undefined,
    insidePid: () => status.insidePid,
    exited: Promise.all([gone, told]).then(([{ code, signal }]) => {
      if (!status.started && signal === null) return { kind: 'not_started', code } as const;
      return { kind: 'ended', code, signal: signal ?? signalOfCode(code) } as const;
    }),
  };
}

/** Writes a text to a pipe of the child, which may be gone before it has read it. */
function feed(stream: unknown, content: string): void {
  if (!(stream instanceof Writable)) return;
  stream.on('error', () => {});
  stream.end(content);
}

async function readStatus(
  stream: unknown,
  status: { insidePid?: number; started: boolean },
  gone: Promise<{ readonly signal: string | null }>,
): Promise<void> {
  if (!(stream instanceof Readable)) return;
  // The answer may find nobody any more.
  stream.on('error', () => {});
  // Killed from outside, and perhaps while it was still building: what it was building must not start.
  void gone.then(({ signal }) => setTimeout(() => stream.destroy(), signal === null ? lingerMs : 0).unref());
  try {
    for await (const line of readJsonLines(stream, 65_536)) {
      if (typeof line !== 'object' || line === null) continue;
      if ('child-pid' in line && typeof line['child-pid'] === 'number') status.insidePid = line['child-pid'];
      if (!('started' in line)) continue;
      status.started = true;
      if (stream instanceof Writable) stream.write('go\n');
    }
  } catch {
    // The pipe broke with the process; its exit is what counts.
  }
}

function signalOfCode(code: number | null): string | null {
  if (code === null || code <= 128) return null;
  const names = Object.entries(constants.signals);
  return names.find(([, number]) => number === code - 128)?.[0] ?? null;
}
