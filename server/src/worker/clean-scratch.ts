import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { isUnchangedFor } from '../lib/file-age.ts';
import { removeTree } from '../lib/remove-tree.ts';
import type { WorkerContext } from './context.ts';

export type ScratchCleaning = Pick<WorkerContext, 'folders' | 'logger'> & { readonly clock: Clock };

const dayMs = 24 * 60 * 60_000;

/** Removes what processes that died left in the scratch folder: no step of a run takes a day. */
export async function cleanScratch(
  { folders, logger, clock }: ScratchCleaning,
  signal: AbortSignal,
): Promise<{ readonly removed: number; readonly failed: number }> {
  const count = { removed: 0, failed: 0 };
  for (const name of await readdir(folders.scratch)) {
    signal.throwIfAborted();
    const path = join(folders.scratch, name);
    if (!(await isUnchangedFor(path, dayMs, clock))) continue;
    try {
      await removeTree(path, signal);
      count.removed += 1;
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ path, error: String(error) }, 'a leftover could not be removed');
      count.failed += 1;
    }
  }
  return count;
}
