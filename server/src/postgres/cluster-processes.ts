import { readdir, readFile, stat } from 'node:fs/promises';
import { runProgram } from './run-program.ts';
import { delay } from '../lib/abort.ts';
import { identifyProcess, isSameProcess, type ProcessIdentity } from '../lib/process-identity.ts';

export type Cluster = {
  readonly folder: string;
  /** Who its processes run as; undefined: the server's own user. */
  readonly uid: number | undefined;
};

/**
 * The PostgreSQL processes whose working directory is the cluster's folder: PostgreSQL's own condition for
 * being one of its server. Another program of an operator who looks around in there is none of them.
 * Empty off Linux, where nobody tells.
 */
export async function findClusterProcesses(
  cluster: Cluster,
  signal: AbortSignal,
): Promise<readonly ProcessIdentity[]> {
  if (process.platform !== 'linux') return [];
  const home = await stat(cluster.folder);
  const found: number[] = [];
  let denied = false;
  for (const pid of await postgresPids()) {
    try {
      const there = await stat(`/proc/${pid}/cwd`);
      if (there.dev === home.dev && there.ino === home.ino) found.push(pid);
    } catch (error) {
      denied ||= (error as NodeJS.ErrnoException).code === 'EACCES';
    }
  }
  if (denied && cluster.uid !== undefined) found.push(...(await askAsAccount(cluster, signal)));
  return [...new Set(found)].map(identifyProcess).filter((identity) => identity !== undefined);
}

/**
 * Kills what is left of a cluster whose postmaster is dead, and waits until it is gone. A backend notices
 * that death only between two steps of its query (38 s measured), and a new postmaster refuses to start
 * as long as one holds the old shared memory.
 */
export async function endClusterProcesses(cluster: Cluster, signal: AbortSignal): Promise<number> {
  const processes = await findClusterProcesses(cluster, signal);
  for (const one of processes) sendSignal(one, 'SIGKILL');
  while (processes.some(isSameProcess)) await delay(5, signal);
  return processes.length;
}

/** Signals exactly this process, if it is still there. */
export function sendSignal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isSameProcess(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function postgresPids(): Promise<readonly number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const pids = await Promise.all(
    names.map(async (name) => {
      const command = await readFile(`/proc/${name}/comm`, 'latin1').catch(() => '');
      return command === 'postgres\n' ? Number(name) : undefined;
    }),
  );
  return pids.filter((pid) => pid !== undefined);
}

/** A container's root has no CAP_SYS_PTRACE, so it may not see where another user's processes are: that user may. */
async function askAsAccount(cluster: Cluster, signal: AbortSignal): Promise<readonly number[]> {
  const script =
    'for p in /proc/[0-9]*; do read -r name < "$p/comm" && [ "$name" = postgres ] && ' +
    '[ "$p/cwd" -ef "$0" ] && echo "${p#/proc/}"; done 2>/dev/null';
  const { uid } = cluster;
  const args = ['-c', script, cluster.folder];
  const result = await runProgram({ file: '/bin/sh', args, uid, timeoutMs: 10_000, signal });
  return result.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}
