import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withTimeout } from '../lib/abort.ts';
import { isUuid } from '../lib/ids.ts';
import { removeTree } from '../lib/remove-tree.ts';
import { findUnsettledRuns } from '../store/expiry.ts';
import type { WorkerContext } from './context.ts';
import { endSupervisor, runFolder, supervisorSocket } from './workspace-folders.ts';

export type RunFolderCleaning = Pick<WorkerContext, 'database' | 'folders' | 'logger'>;

/** A supervisor ends its sandbox in well under this; one that was stopped never does. */
const endWithinMs = 20_000;

/**
 * Removes the supervisors' files of runs that are over, which a process left that died on the way, and ends
 * what still lives there: nobody will ever attend to it again. A run that has ended stays ended, and an id
 * that the database never had gets no run, so looking first and removing then is safe without a lock.
 */
export async function cleanRunFolders(
  cleaning: RunFolderCleaning,
  signal: AbortSignal,
): Promise<{ readonly removed: number; readonly failed: number }> {
  const count = { removed: 0, failed: 0 };
  for (const workspaceId of await folderIds(cleaning.folders.runs)) {
    const { removed, failed } = await cleanRunFoldersOf(cleaning, workspaceId, signal);
    count.removed += removed;
    count.failed += failed;
  }
  return count;
}

/** The same for the runs of one workspace. */
export async function cleanRunFoldersOf(
  cleaning: RunFolderCleaning,
  workspaceId: string,
  signal: AbortSignal,
): Promise<{ readonly removed: number; readonly failed: number }> {
  const count = { removed: 0, failed: 0 };
  signal.throwIfAborted();
  const parent = join(cleaning.folders.runs, workspaceId);
  const runIds = await folderIds(parent);
  const unsettled = runIds.length === 0 ? new Set() : await findUnsettledRuns(cleaning.database, runIds);
  for (const runId of runIds.filter((id) => !unsettled.has(id))) {
    if (await removeRunFolder(cleaning, { workspaceId, runId }, signal)) count.removed += 1;
    else count.failed += 1;
  }
  // Fails while there is anything in it, which is what is wanted.
  await rmdir(parent).catch(() => undefined);
  return count;
}

async function removeRunFolder(
  { folders, logger }: RunFolderCleaning,
  run: { readonly workspaceId: string; readonly runId: string },
  signal: AbortSignal,
): Promise<boolean> {
  const folder = runFolder(folders, run);
  try {
    await endSupervisor(folder, 0, withTimeout(signal, endWithinMs));
    await removeTree(folder, signal);
    await rm(supervisorSocket(folders, run), { force: true });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    logger.warn({ ...run, error: String(error) }, 'the folder of a run that is over could not be removed');
    return false;
  }
}

/** The folders in `parent` that are named by an id; links are none. Empty where `parent` is gone. */
export async function folderIds(parent: string): Promise<readonly string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && isUuid(entry.name)).map((entry) => entry.name);
}
