import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { socketPath } from './folders.ts';

/** Who PostgreSQL's own lock file in the cluster names; undefined where there is none or it is cut short. */
export async function readPostmasterPid(clusterFolder: string): Promise<number | undefined> {
  const text = await readFile(join(clusterFolder, 'postmaster.pid'), 'latin1').catch(() => '');
  return parsePostmasterPid(text);
}

/** The file's first line is the process's number; a standalone backend writes it negative. */
function parsePostmasterPid(text: string): number | undefined {
  const [line = ''] = text.split('\n', 1);
  return /^[1-9]\d{0,8}$/.test(line) ? Number(line) : undefined;
}

/**
 * Removes what a dead postmaster left: its lock file, the socket and the socket's lock file. PostgreSQL
 * believes both lock files if another process of the same user has got the number in the meantime, and
 * then refuses to start. Only for who knows that no process of the cluster is left.
 */
export async function removeStaleFiles(clusterFolder: string, socketFolder: string): Promise<void> {
  const socket = socketPath(socketFolder);
  for (const path of [join(clusterFolder, 'postmaster.pid'), socket, `${socket}.lock`]) {
    await rm(path, { force: true });
  }
}
