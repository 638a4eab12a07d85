import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '../../server/src/lib/abort.ts';
import { descendantsOf } from '../../server/src/lib/process-tree.ts';
import { readClaim } from '../../server/src/supervisor/records.ts';
import { shareIfAlive } from './processes.ts';

/** Memory during a run in bytes: shares, as a page that is mapped by several counts once. */
export type RunMemory = {
  /** The agent's program and all that it started. */
  readonly agentBytes: number;
  /** What else lives for this run alone. */
  readonly besideBytes: number;
};

/** A look takes some milliseconds of processor, so runs that are looked at are not timed. */
const everyMs = 20;

/** Looks again and again until the work is done; resolves with the highest of each. Rejects as the work does. */
export async function peakDuring(
  work: Promise<unknown>,
  look: () => RunMemory,
  signal: AbortSignal,
): Promise<RunMemory> {
  let [agentBytes, besideBytes] = [0, 0];
  const over = new AbortController();
  const end = (): void => over.abort();
  work.then(end, end);
  while (!over.signal.aborted) {
    const now = look();
    agentBytes = Math.max(agentBytes, now.agentBytes);
    besideBytes = Math.max(besideBytes, now.besideBytes);
    await delay(everyMs, signal);
  }
  await work;
  if (agentBytes === 0) throw new Error('the process of the agent was never seen');
  return { agentBytes, besideBytes };
}

/** What the descendants of these processes hold, and they themselves; the agent is found by its process's name. */
export function lookAt(roots: readonly number[], agent: string): RunMemory {
  const all = roots.flatMap((root) => [root, ...pidsBelow(root)]);
  const own = new Set(all.filter((pid) => nameOf(pid) === agent).flatMap((pid) => [pid, ...pidsBelow(pid)]));
  const sum = (pids: readonly number[]): number =>
    pids.reduce((bytes, pid) => bytes + (shareIfAlive(pid) ?? 0), 0);
  return {
    agentBytes: sum(all.filter((pid) => own.has(pid))),
    besideBytes: sum(all.filter((pid) => !own.has(pid))),
  };
}

/** The supervisors of the runs that a server has in its data folder. */
export function supervisorPids(dataFolder: string): readonly number[] {
  const folders = globSync('runs/*/*', { cwd: dataFolder }).map((path) => join(dataFolder, path));
  return folders.flatMap((folder) => {
    const claim = readClaim(folder);
    return claim === undefined || claim === 'broken' ? [] : [claim.identity.pid];
  });
}

function pidsBelow(pid: number): readonly number[] {
  return descendantsOf(pid).map((one) => one.pid);
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return '';
  }
}
