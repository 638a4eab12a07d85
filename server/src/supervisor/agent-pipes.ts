import { execFile } from 'node:child_process';
import { chmodSync, closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { SpawnStream } from '../lib/spawn-launch.ts';

/** Three pipes without a name, as descriptors: the ends of the supervisor's that do not block, and an agent's. */
export type RawPipes = {
  readonly stdin: { readonly ours: number; readonly theirs: number };
  readonly stdout: { readonly ours: number; readonly theirs: number };
  readonly stderr: { readonly ours: number; readonly theirs: number };
};

/** The supervisor's ends of an agent's stdin, stdout and stderr, and what to spawn it with. */
export type AgentPipes = {
  /** Present where more input may follow. */
  readonly stdin: Socket | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket;
  readonly streams: { readonly stdin: SpawnStream; readonly stdout: number; readonly stderr: number };
  /** Closes our copies of the agent's descriptors once it has them: then the end of output is seen. */
  readonly handedOver: () => void;
};

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/**
 * Makes pipes that a program may open again by name. What Node makes by itself are sockets, and
 * `> /dev/stderr` in a shell fails on those; a nameless pipe belongs to the server's user and fails for a
 * sandbox with another. So: named pipes, open to all, in a folder that is gone when this resolves. Takes 10
 * ms, for a process: done before the run is known. Rejects with the system's error.
 */
export async function makePipes(): Promise<RawPipes> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-pipes-'));
  try {
    const paths = {
      stdin: join(folder, 'stdin'),
      stdout: join(folder, 'stdout'),
      stderr: join(folder, 'stderr'),
    };
    const names = Object.values(paths);
    await promisify(execFile)('mkfifo', names, { env: { PATH: '/usr/bin:/bin' }, timeout: 10_000 });
    for (const name of names) chmodSync(name, 0o666);
    return {
      stdin: openInput(paths.stdin),
      stdout: openOutput(paths.stdout),
      stderr: openOutput(paths.stderr),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Sets an agent's streams up. Input that is complete is a file, without a name by the time that anybody
 * reads it: to open a named pipe whose writer has left, as `cat /dev/stdin` would, waits forever. Throws the
 * file system's error.
 */
export function setUpPipes(raw: RawPipes, folder: string, input: string, keepInput: boolean): AgentPipes {
  let stdin: SpawnStream = raw.stdin.theirs;
  if (!keepInput) {
    closeSync(raw.stdin.ours);
    closeSync(raw.stdin.theirs);
    stdin = input === '' ? 'ignore' : openText(join(folder, 'stdin'), input);
  }
  const theirs = [stdin, raw.stdout.theirs, raw.stderr.theirs].filter((end) => typeof end === 'number');
  return {
    stdin: keepInput ? new Socket({ fd: raw.stdin.ours, readable: false, writable: true }) : undefined,
    stdout: new Socket({ fd: raw.stdout.ours, readable: true, writable: false }),
    stderr: new Socket({ fd: raw.stderr.ours, readable: true, writable: false }),
    streams: { stdin, stdout: raw.stdout.theirs, stderr: raw.stderr.theirs },
    handedOver: () => theirs.forEach((end) => closeSync(end)),
  };
}

/** Ours does not block, theirs does: `O_NONBLOCK` belongs to the open file, and each end is opened by itself. */
function openOutput(path: string): { readonly ours: number; readonly theirs: number } {
  const ours = openSync(path, O_RDONLY | O_NONBLOCK);
  return { ours, theirs: openSync(path, O_WRONLY) };
}

function openInput(path: string): { readonly ours: number; readonly theirs: number } {
  // A writer that does not block is refused while nobody reads.
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const ours = openSync(path, O_WRONLY | O_NONBLOCK);
  const theirs = openSync(path, O_RDONLY);
  closeSync(reader);
  return { ours, theirs };
}

function openText(path: string, text: string): number {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    chmodSync(path, 0o444);
    return openSync(path, O_RDONLY);
  } finally {
    rmSync(path, { force: true });
  }
}
