import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { isUnchangedFor } from '../lib/file-age.ts';
import { removeTree } from '../lib/remove-tree.ts';
import {
  findIdleWorkspaces,
  findTreeOwners,
  letGoOfWorkspace,
  type TreeOwner,
} from '../store/idle-workspaces.ts';
import { folderIds } from './clean-run-folders.ts';
import type { WorkerContext } from './context.ts';

export type WorkspaceCleaning = Pick<
  WorkerContext,
  'workerId' | 'database' | 'mirrors' | 'folders' | 'ids' | 'logger'
> & {
  /** A tree that nobody used for so long goes; its work stays as a bundle. */
  readonly workspaceDays: number;
  readonly clock: Clock;
};

export type WorkspacesCleaned = { readonly removed: number; readonly failed: number };

const batch = 100;
const dayMs = 24 * 60 * 60_000;

/** Removes the trees of workspaces that nobody used for `workspaceDays`, and lets their mirrors go. */
export async function cleanIdleWorkspaces(
  cleaning: WorkspaceCleaning,
  signal: AbortSignal,
): Promise<WorkspacesCleaned> {
  const { database, workerId, workspaceDays } = cleaning;
  const count = { removed: 0, failed: 0 };
  let after: string | undefined;
  for (;;) {
    const owners = await findIdleWorkspaces(database, workerId, workspaceDays, { after, limit: batch });
    for (const owner of owners) add(count, await letGo(cleaning, owner, workspaceDays, signal));
    if (owners.length < batch) return count;
    after = owners.at(-1)?.workspaceId;
  }
}

/**
 * Removes the workspace folders that count for nobody: whose workspace does not exist (a day old, since only
 * a database other than the one of yesterday explains many of them), or has its tree elsewhere or nowhere,
 * as after an attempt that was lost here and made again on another host.
 */
export async function cleanStrayWorkspaces(
  cleaning: WorkspaceCleaning,
  signal: AbortSignal,
): Promise<WorkspacesCleaned> {
  const { folders, clock, database, workerId } = cleaning;
  const count = { removed: 0, failed: 0 };
  const names = await folderIds(folders.workspaces);
  for (let from = 0; from < names.length; from += batch) {
    const ids = names.slice(from, from + batch);
    const owners = new Map((await findTreeOwners(database, ids)).map((owner) => [owner.workspaceId, owner]));
    for (const id of ids) {
      const owner = owners.get(id);
      if (owner === undefined) {
        if (!(await isUnchangedFor(join(folders.workspaces, id), dayMs, clock))) continue;
        add(count, await attempt(cleaning, id, signal, (discard) => discard().then(() => true)));
      } else if (owner.workerId !== workerId) {
        add(count, await letGo(cleaning, owner, undefined, signal));
      }
    }
  }
  return count;
}

type Outcome = 'removed' | 'failed' | 'left';

function add(count: { removed: number; failed: number }, outcome: Outcome): void {
  if (outcome !== 'left') count[outcome] += 1;
}

async function letGo(
  cleaning: WorkspaceCleaning,
  owner: TreeOwner,
  idleDays: number | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const { database, workerId, mirrors } = cleaning;
  const { workspaceId } = owner;
  return attempt(cleaning, workspaceId, signal, (discard) =>
    letGoOfWorkspace(database, { workspaceId, workerId, idleDays }, async () => {
      await discard();
      // Within the lock: whoever comes next keeps its commit again, and this must not take that back.
      for (const { url, canonicalUrl } of owner.repositories) {
        const mirror = mirrors.find({ url }, canonicalUrl);
        if (mirror !== undefined) await mirrors.unkeep(mirror, workspaceId);
      }
    }),
  );
}

/** One workspace: its failure is logged and keeps no other from its turn. */
async function attempt(
  cleaning: WorkspaceCleaning,
  workspaceId: string,
  signal: AbortSignal,
  release: (discard: () => Promise<void>) => Promise<boolean>,
): Promise<Outcome> {
  signal.throwIfAborted();
  const { folders, ids, logger } = cleaning;
  // Something may still live in a tree whose run has files here. They go first; see `cleanRunFolders`.
  if (await hasRunFolders(join(folders.runs, workspaceId))) return 'left';
  const aside = join(folders.scratch, `discarded-${ids.ordered()}`);
  try {
    if (!(await release(() => putAside(join(folders.workspaces, workspaceId), aside)))) return 'left';
    await removeTree(aside, signal);
    return 'removed';
  } catch (error) {
    signal.throwIfAborted();
    logger.warn({ workspaceId, error: String(error) }, 'a workspace could not be removed');
    return 'failed';
  }
}

async function hasRunFolders(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}

/** In one step, so that who comes to the folder next finds it whole or not at all. */
async function putAside(folder: string, aside: string): Promise<void> {
  await rename(folder, aside).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  });
}
