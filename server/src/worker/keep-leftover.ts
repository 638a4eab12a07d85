import { createReadStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readCommitExit } from '../git/sandbox-scripts.ts';
import { keepLeftoverBlob, readLeftover } from '../store/leftovers.ts';
import { bundleTree, type Bundling } from './bundle-tree.ts';
import type { WorkerContext } from './context.ts';

export type LeftoverKeeping = Bundling &
  Pick<WorkerContext, 'database' | 'blobs' | 'folders' | 'ids' | 'logger'>;

/**
 * `nothing`: the tree holds nothing that is not kept. `impossible`: there is something that no bundle can hold,
 * since the agent damaged its repository or it is too large.
 */
export type KeptLeftover = 'kept' | 'nothing' | 'impossible';

export type KeepLeftover = (workspaceId: string, signal: AbortSignal) => Promise<KeptLeftover>;

const timeoutMs = 2 * 60_000;

/**
 * Gives what bundles the work of a run that ended badly, committed or not, before its tree goes: nothing else has it.
 * The bundle is made in the sandbox as that of finished work is, and kept as it came out; who reads it one day has
 * to check it first. Rejects where it cannot be stored.
 */
export function createLeftoverKeeper(keeping: LeftoverKeeping): KeepLeftover {
  const { database, executor, folders, blobs, ids, logger } = keeping;
  return async (workspaceId, signal) => {
    const leftover = await readLeftover(database, workspaceId);
    const folder = join(folders.workspaces, workspaceId);
    if (leftover === undefined || !existsSync(join(folder, 'tree'))) return 'nothing';
    const bundle = join(folders.scratch, `leftover-${workspaceId}.bundle`);
    try {
      const place = executor.place(folder, leftover.workspaceNumber);
      const what = { place, base: leftover.baseCommit, work: leftover, bundle, snapshot: true, timeoutMs };
      const { code, truncated } = await bundleTree(keeping, what, signal);
      if (readCommitExit(code) === 'unchanged') return 'nothing';
      if (code !== 0 || truncated) {
        logger.warn({ workspaceId }, 'what a run has left fits into no bundle');
        return 'impossible';
      }
      const blob = await blobs.put(ids.ordered(), createReadStream(bundle));
      await keepLeftoverBlob(database, { workspaceId, ownerId: leftover.ownerId, blob });
      logger.info(
        { workspaceId, bundle: blob.id },
        'what a run has left was kept before its tree is removed',
      );
      return 'kept';
    } finally {
      await rm(bundle, { force: true });
    }
  };
}
