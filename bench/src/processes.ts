import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { delay } from '../../server/src/lib/abort.ts';
import { isSameProcess, type ProcessIdentity } from '../../server/src/lib/process-identity.ts';
import { descendantsOf } from '../../server/src/lib/process-tree.ts';

const supervisorPatienceMs = 5_000;

/** Memory of one process, in bytes. */
export type Memory = {
  /** What it has in memory, pages that it shares with others included. */
  readonly residentBytes: number;
  /** The same, each shared page divided by the number of those who share it. */
  readonly shareBytes: number;
};

/** Throws when the process is gone. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'mu').exec(text)?.[1]) * 1024;
  return { residentBytes: field('Rss'), shareBytes: field('Pss') };
}

/** The share of a process and of all that descend from it. */
export function familyShareBytes(pid: number): number {
  const family = [pid, ...descendantsOf(pid).map((one) => one.pid)];
  return family.reduce((sum, one) => sum + (shareIfAlive(one) ?? 0), 0);
}

/** Undefined: the process is gone, or not ours to look at. */
export function shareIfAlive(pid: number): number | undefined {
  try {
    return memoryOf(pid).shareBytes;
  } catch {
    return undefined;
  }
}

/** How many processes of this host have the text in their command line. */
export function countProcessesWith(text: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name));
  return pids.filter((pid) => commandLine(pid).includes(text)).length;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** Looks every `everyMs` until `look` says true; resolves with milliseconds. Rejects after `patienceMs`. */
export async function waitUntil(
  what: string,
  look: () => boolean | Promise<boolean>,
  limits: { readonly everyMs: number; readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const begun = performance.now();
  while (!(await look())) {
    if (performance.now() - begun > limits.patienceMs) throw new Error(`waited in vain for ${what}`);
    await delay(limits.everyMs, limits.signal);
  }
  return performance.now() - begun;
}

/**
 * Ends the supervisors that a killed worker left in its data folder, with all that they own, and removes
 * their sockets: alone they would wait a minute for their worker before they end by themselves.
 */
export async function endSupervisors(dataFolder: string): Promise<void> {
  const runs = join(dataFolder, 'runs');
  for (const workspace of await readdir(runs).catch(() => [])) {
    for (const run of await readdir(join(runs, workspace))) {
      const path = join(runs, workspace, run, 'supervisor.json');
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== undefined) await endSupervisor(JSON.parse(text) as SupervisorRecord);
    }
  }
}

type SupervisorRecord = { readonly identity: ProcessIdentity; readonly socket: string };

async function endSupervisor({ identity, socket }: SupervisorRecord): Promise<void> {
  const patience = AbortSignal.timeout(supervisorPatienceMs);
  if (isSameProcess(identity)) process.kill(identity.pid, 'SIGTERM');
  while (isSameProcess(identity)) {
    if (patience.aborted) process.kill(identity.pid, 'SIGKILL');
    await delay(20, AbortSignal.timeout(supervisorPatienceMs));
  }
  await rm(socket, { force: true });
  // The folder goes when this was the last socket.
  await rmdir(dirname(socket)).catch(() => undefined);
}
