import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { once } from 'node:events';
import type { Binaries } from './binaries.ts';
import { endClusterProcesses, findClusterProcesses, sendSignal, type Cluster } from './cluster-processes.ts';
import { openLog, readTail } from './log-file.ts';
import { PostgresError } from './postgres-error.ts';
import { readPostmasterPid, removeStaleFiles } from './postmaster-file.ts';
import { askServer, createDatabase, type Connection } from './probe.ts';
import { programEnvironment } from './run-program.ts';
import { serverSettings } from './settings.ts';
import { delay } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import { identifyProcess, isSameProcess, type ProcessIdentity } from '../lib/process-identity.ts';

/** A server process that answers. */
export type Postmaster = {
  readonly identity: ProcessIdentity;
  /** Resolves as soon as the process is gone: at once for a child, within `watchEveryMs` for an adopted one. */
  readonly gone: (signal: AbortSignal) => Promise<void>;
};

export type PostmasterSetup = {
  readonly cluster: Cluster;
  readonly binaries: Binaries;
  readonly connection: Connection;
  readonly logFile: string;
  readonly logger: Logger;
};

const watchEveryMs = 500;
/** Recovery after a crash replays up to 1 GB of log: minutes on a slow disk, and giving up would repeat it all. */
const readyWithinMs = 600_000;
const reportEveryMs = 10_000;
/** Each question to a server that recovers costs it a line in its log. */
const longestPauseMs = 500;

/**
 * The postmaster that already runs over this cluster, as after a kill -9 of the server, or undefined when
 * there is none. One that listens elsewhere, or shuts down, is ended first. Throws a PostgresError when it
 * hangs. Call it only as the holder of the data folder's lock.
 */
export async function adoptPostmaster(
  setup: PostmasterSetup,
  signal: AbortSignal,
): Promise<Postmaster | undefined> {
  const { cluster, connection, logger } = setup;
  const identity = await findPostmaster(cluster, signal);
  if (identity === undefined) return undefined;
  const answer = await settledAnswer(setup, identity, signal);
  if (answer.kind === 'silent') {
    throw new PostgresError(
      `PostgreSQL of ${cluster.folder} runs (process ${identity.pid}) but does not answer on ${connection.host}. ` +
        `If it is stopped, continue it (kill -CONT ${identity.pid}); else end it (kill -QUIT ${identity.pid}).`,
    );
  }
  const elsewhere = answer.kind === 'ready' && answer.dataFolder !== cluster.folder;
  if (!elsewhere && isSameProcess(identity) && answer.kind !== 'absent' && answer.kind !== 'stopping') {
    if (answer.kind === 'no_database') await createDatabase(connection);
    return watchById(identity);
  }
  logger.warn({ pid: identity.pid }, 'Ending a PostgreSQL that cannot be reached.');
  await endPostmaster(cluster, identity);
  return undefined;
}

/**
 * Starts a postmaster and waits until it answers and holds our database. It is a session leader that
 * writes to a file, so it outlives a killed server whole. Throws a PostgresError with the end of its log
 * if it does not come up; then, and when the signal aborts, nothing of it is left.
 */
export async function startPostmaster(setup: PostmasterSetup, signal: AbortSignal): Promise<Postmaster> {
  const { cluster, connection, logger, logFile } = setup;
  const left = await endClusterProcesses(cluster, signal);
  if (left > 0) logger.warn({ processes: left }, 'Ended what was left of a dead PostgreSQL.');
  await removeStaleFiles(cluster.folder, connection.host);
  const log = await openLog(logFile);
  try {
    const child = spawnPostmaster(setup, log.handle.fd);
    const identity = await spawned(child, setup, log.size);
    try {
      await untilReady(setup, identity, signal);
    } catch (error) {
      await endPostmaster(cluster, identity);
      if (signal.aborted || error instanceof PostgresError) throw error;
      const tail = await readTail(logFile, log.size);
      throw new PostgresError(
        `PostgreSQL did not start over ${cluster.folder}. Its log (${logFile}) says:\n${tail}`,
        {
          cause: error,
        },
      );
    }
    // The server ends it with `stop`; a forgotten one must not hold up the end of the process.
    child.unref();
    return watchChild(child, identity);
  } finally {
    await log.handle.close();
  }
}

/**
 * Ends a postmaster with all its connections (fast shutdown), harder when that takes too long: 30 s, then
 * 5 s. Returns when neither it nor any of its processes is left.
 */
export async function endPostmaster(cluster: Cluster, identity: ProcessIdentity): Promise<void> {
  const steps = [
    ['SIGINT', 30_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const;
  for (const [name, waitMs] of steps) {
    sendSignal(identity, name);
    if (await goneWithin(identity, waitMs)) break;
  }
  await endClusterProcesses(cluster, AbortSignal.timeout(10_000));
}

async function findPostmaster(cluster: Cluster, signal: AbortSignal): Promise<ProcessIdentity | undefined> {
  const pid = await readPostmasterPid(cluster.folder);
  if (pid === undefined) return undefined;
  if (process.platform !== 'linux') return identifyProcess(pid);
  return (await findClusterProcesses(cluster, signal)).find((identity) => identity.pid === pid);
}

function spawnPostmaster(setup: PostmasterSetup, logDescriptor: number): ChildProcess {
  const { cluster, binaries, connection } = setup;
  return spawn(join(binaries.folder, 'bin', 'postgres'), serverSettings(cluster.folder, connection.host), {
    cwd: '/',
    env: programEnvironment,
    detached: true,
    stdio: ['ignore', logDescriptor, logDescriptor],
    ...(cluster.uid === undefined ? {} : { uid: cluster.uid, gid: cluster.uid }),
  });
}

async function spawned(
  child: ChildProcess,
  setup: PostmasterSetup,
  logSize: number,
): Promise<ProcessIdentity> {
  // A later failure to signal it is no reason to end this process.
  child.on('error', () => undefined);
  try {
    await once(child, 'spawn', { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    throw new PostgresError(`${setup.binaries.folder}/bin/postgres cannot be started: ${String(error)}`, {
      cause: error,
    });
  }
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity !== undefined) return identity;
  throw new PostgresError(
    `PostgreSQL ended at once. Its log (${setup.logFile}) says:\n${await readTail(setup.logFile, logSize)}`,
  );
}

async function untilReady(
  setup: PostmasterSetup,
  identity: ProcessIdentity,
  signal: AbortSignal,
): Promise<void> {
  const answer = await settledAnswer(setup, identity, signal, 'wait for the socket');
  if (answer.kind === 'no_database') await createDatabase(setup.connection);
  else if (answer.kind !== 'ready' && answer.kind !== 'busy') throw new Error(`It was ${answer.kind}.`);
}

/**
 * Asks until the answer is one that stays, the process is gone (`absent`) or time is up. A server that
 * just starts has no socket yet; one that has been running and has none will not get one.
 */
async function settledAnswer(
  setup: PostmasterSetup,
  identity: ProcessIdentity,
  signal: AbortSignal,
  absent: 'wait for the socket' | 'settled' = 'settled',
): Promise<Awaited<ReturnType<typeof askServer>>> {
  const started = performance.now();
  let reported = started;
  let silences = 0;
  let pauseMs = 5;
  for (;;) {
    signal.throwIfAborted();
    if (!isSameProcess(identity)) return { kind: 'absent' };
    const answer = await askServer(setup.connection);
    silences = answer.kind === 'silent' ? silences + 1 : 0;
    const passes =
      answer.kind === 'starting' ||
      answer.kind === 'stopping' ||
      (answer.kind === 'absent' && absent === 'wait for the socket') ||
      (answer.kind === 'silent' && silences < 5);
    const now = performance.now();
    if (!passes || now - started > readyWithinMs) return answer;
    if (now - reported > reportEveryMs) {
      reported = now;
      setup.logger.info({ pid: identity.pid, answer: answer.kind }, 'Waiting for PostgreSQL.');
    }
    await delay(pauseMs, signal);
    pauseMs = Math.min(longestPauseMs, pauseMs * 1.2);
  }
}

function watchChild(child: ChildProcess, identity: ProcessIdentity): Postmaster {
  const exit = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
  return {
    identity,
    gone: async (signal) => {
      await Promise.race([exit, rejectsOnAbort(signal)]);
    },
  };
}

function watchById(identity: ProcessIdentity): Postmaster {
  return {
    identity,
    gone: async (signal) => {
      while (isSameProcess(identity)) await delay(watchEveryMs, signal);
    },
  };
}

function rejectsOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

async function goneWithin(identity: ProcessIdentity, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (isSameProcess(identity)) {
    if (performance.now() > deadline) return false;
    await delay(5, new AbortController().signal);
  }
  return true;
}
