import { join } from 'node:path';
import { diskUsage } from '../lib/disk-usage.ts';
import type { TreeOwner } from '../store/idle-workspaces.ts';
import { keepWorkspaceSize } from '../store/workspaces.ts';
import { foldersHere } from './clean-workspaces.ts';
import type { WorkerContext } from './context.ts';

export type WorkspaceMeasuring = Pick<WorkerContext, 'workerId' | 'database' | 'folders'>;

/** After each turn of about 2 ms: a walk takes a fifth of the process's time at most. */
const restMs = 8;

/**
 * Measures what was missed when its run ended, as where the process was killed in between. A folder that a run is
 * at work in is left to that run's end, unless nobody knows its size at all.
 */
export async function measureMissedWorkspaces(
  measuring: WorkspaceMeasuring,
  signal: AbortSignal,
): Promise<{ readonly measured: number }> {
  let measured = 0;
  for await (const { owner } of foldersHere(measuring)) {
    if (owner === undefined || owner.isDeleted || !isMissed(owner)) continue;
    // Somebody else's tree is the one that counts, and its size too.
    if (owner.workerId !== null && owner.workerId !== measuring.workerId) continue;
    if (await measureWorkspace(measuring, owner, signal)) measured += 1;
  }
  return { measured };
}

function isMissed({ diskBytes, isBusy, isStale }: TreeOwner): boolean {
  return diskBytes === null || (isStale && !isBusy);
}

/**
 * Measures tree and home and keeps the size. False: somebody began there meanwhile, so it is out of date. What an
 * agent has made too deep to be walked counts as far as the walk came.
 */
export async function measureWorkspace(
  { database, folders }: WorkspaceMeasuring,
  owner: TreeOwner,
  signal: AbortSignal,
): Promise<boolean> {
  const folder = join(folders.workspaces, owner.workspaceId);
  const { bytes } = await diskUsage([folder], { limit: Infinity, restMs }, signal);
  return keepWorkspaceSize(database, owner, bytes);
}
