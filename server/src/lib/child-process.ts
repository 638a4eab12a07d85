import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

/** A short command to run to its end. Nothing of this process's own environment is inherited. */
export type Command = {
  /** A path, or a name that is looked for on the PATH of `env`. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to stdin, or an open file whose rest becomes stdin; undefined: stdin is empty. */
  readonly input?: string | Uint8Array | { readonly descriptor: number };
  /** A command that writes more than this to stdout is ended; what fits is kept. */
  readonly maxOutputBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The user and group to run as; only root can change it. */
  readonly uid?: number;
};

export type CommandResult = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  /** The last 64 KiB, as UTF-8. */
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Whether `maxOutputBytes` was exceeded. */
  readonly truncated: boolean;
};

/** The program does not exist or may not be executed. */
export class CommandNotFound extends Error {
  readonly file: string;

  constructor(file: string, cause: unknown) {
    super(`cannot start ${file}: it does not exist, is not executable, or its working directory is missing`, {
      cause,
    });
    this.name = 'CommandNotFound';
    this.file = file;
  }
}

const stderrBytes = 64 * 1024;

/** How long a command's descendants may keep its pipes open after it exited. */
const lingerMs = 1000;

/**
 * Runs a command in a process group of its own and waits for its end. The group gets SIGKILL on a timeout,
 * on too much output and on abort, and when descendants hold the pipes a second longer than the command
 * lives. Exit codes never reject. Rejects with `CommandNotFound`, and with the signal's reason on abort,
 * once the command is gone.
 */
export function runCommand(command: Command): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    if (command.signal.aborted) {
      reject(command.signal.reason);
      return;
    }
    const child = start(command, reject);
    if (child === undefined) return;
    const watch = watchOver(child, command);
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      watch.stop();
      reject(new CommandNotFound(command.file, error));
    });
    child.once('close', (code, signal) => {
      watch.stop();
      if (command.signal.aborted) reject(command.signal.reason);
      else resolve({ code, signal, ...watch.collected() });
    });
    feed(child, command);
  });
}

function start(command: Command, reject: (error: unknown) => void): ChildProcess | undefined {
  const { input } = command;
  const stdin =
    typeof input === 'object' && 'descriptor' in input
      ? input.descriptor
      : input === undefined
        ? 'ignore'
        : 'pipe';
  try {
    return spawn(command.file, [...command.args], {
      cwd: command.cwd,
      env: { ...command.env },
      detached: true,
      stdio: [stdin, 'pipe', 'pipe'],
      ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.uid }),
    });
  } catch (error) {
    // Arguments that no program can be given, such as one with a NUL.
    reject(error);
    return undefined;
  }
}

function feed(child: ChildProcess, { input }: Command): void {
  if (child.stdin === null || input === undefined) return;
  // A command may end without reading its input: its exit code says what that means.
  child.stdin.on('error', () => undefined);
  if (typeof input === 'string' || input instanceof Uint8Array) child.stdin.end(input);
}

type Watch = {
  readonly stop: () => void;
  readonly collected: () => Pick<CommandResult, 'stdout' | 'stderr' | 'timedOut' | 'truncated'>;
};

/** Collects the output within its bounds and ends the group when one is passed. */
function watchOver(child: ChildProcess, command: Command): Watch {
  const output = collectUpTo(child, command.maxOutputBytes);
  let timedOut = false;
  let linger: NodeJS.Timeout | undefined;
  const onAbort = (): void => endGroup(child);
  const timer = setTimeout(() => {
    timedOut = true;
    endGroup(child);
  }, command.timeoutMs);
  child.once('exit', () => {
    linger = setTimeout(() => {
      endGroup(child);
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, lingerMs);
  });
  command.signal.addEventListener('abort', onAbort, { once: true });
  return {
    stop() {
      clearTimeout(timer);
      clearTimeout(linger);
      command.signal.removeEventListener('abort', onAbort);
    },
    collected: () => ({ ...output(), timedOut }),
  };
}

function collectUpTo(
  child: ChildProcess,
  maxBytes: number,
): () => Pick<CommandResult, 'stdout' | 'stderr' | 'truncated'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let truncated = false;
  let errors = Buffer.alloc(0);
  child.stdout?.on('data', (chunk: Buffer) => {
    const fitting = chunk.subarray(0, maxBytes - bytes);
    if (fitting.length > 0) chunks.push(fitting);
    bytes += fitting.length;
    if (fitting.length === chunk.length || truncated) return;
    truncated = true;
    endGroup(child);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = Buffer.concat([errors, chunk]).subarray(-stderrBytes);
  });
  return () => ({ stdout: Buffer.concat(chunks), stderr: errors.toString('utf8'), truncated });
}

/** Ends the child's whole process group; nothing happens when it is gone already. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // No such group: everything of it has exited.
  }
}
