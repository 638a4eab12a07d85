import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { isUnchangedFor } from '../lib/file-age.ts';
import { removeTree } from '../lib/remove-tree.ts';
import {
  findIdleWorkspaces,
  findTreeOwners,
  letGoOfWorkspace,
  type ReasonToGo,
  type TreeOwner,
} from '../store/idle-workspaces.ts';
import { folderIds } from './clean-run-folders.ts';
import type { WorkerContext } from './context.ts';
import type { KeepLeftover } from './keep-leftover.ts';

export type WorkspaceCleaning = Pick<
  WorkerContext,
  'workerId' | 'database' | 'mirrors' | 'folders' | 'ids' | 'logger'
> & {
  /** A tree that nobody used for so long goes; its work stays as a bundle. */
  readonly workspaceDays: number;
  /** Keeps what lies in no bundle yet, before its tree goes. */
  readonly keepLeftover: KeepLeftover;
  readonly clock: Clock;
};

export type WorkspacesCleaned = { readonly removed: number; readonly failed: number };

const batch = 100;
const dayMs = 24 * 60 * 60_000;
const daySeconds = 24 * 60 * 60;

/** Removes the trees of workspaces that nobody used for `workspaceDays`, and lets their mirrors go. */
export async function cleanIdleWorkspaces(
  cleaning: WorkspaceCleaning,
  signal: AbortSignal,
): Promise<WorkspacesCleaned> {
  const { database, workerId, workspaceDays: days } = cleaning;
  const count = { removed: 0, failed: 0 };
  let after: string | undefined;
  for (;;) {
    const owners = await findIdleWorkspaces(database, workerId, days, { after, limit: batch });
    for (const owner of owners) add(count, await letGo(cleaning, owner, { kind: 'idle', days }, signal));
    if (owners.length < batch) return count;
    after = owners.at(-1)?.workspaceId;
  }
}

/**
 * Removes the workspace folders that count for nobody: whose workspace does not exist (a day old, since only
 * a database other than the one of yesterday explains many of them), was deleted, has its tree elsewhere, as after
 * an attempt that was lost here and made again on another host, or has none that counts, as after a run that
 * failed. Such a tree stays its days, and what was done in it is kept before it goes.
 */
export async function cleanStrayWorkspaces(
  cleaning: WorkspaceCleaning,
  signal: AbortSignal,
): Promise<WorkspacesCleaned> {
  const { folders, clock } = cleaning;
  const count = { removed: 0, failed: 0 };
  for await (const { id, owner } of foldersHere(cleaning)) {
    if (owner === undefined) {
      if (!(await isUnchangedFor(join(folders.workspaces, id), dayMs, clock))) continue;
      add(count, await attempt(cleaning, id, signal, (discard) => discard().then(() => true)));
    } else if (isLeftover(cleaning, owner)) {
      add(count, await cleanLeftover(cleaning, owner, signal));
    }
  }
  return count;
}

/** Every workspace folder here, with whose it is; a batch at a time, read just before it is given. */
export async function* foldersHere({
  folders,
  database,
}: Pick<WorkspaceCleaning, 'folders' | 'database'>): AsyncGenerator<{
  readonly id: string;
  readonly owner: TreeOwner | undefined;
}> {
  const names = await folderIds(folders.workspaces);
  for (let from = 0; from < names.length; from += batch) {
    const ids = names.slice(from, from + batch);
    const owners = new Map((await findTreeOwners(database, ids)).map((owner) => [owner.workspaceId, owner]));
    for (const id of ids) yield { id, owner: owners.get(id) };
  }
}

function isLeftover({ workerId, workspaceDays }: WorkspaceCleaning, owner: TreeOwner): boolean {
  if (owner.workerId === workerId) return false;
  return owner.workerId !== null || owner.isDeleted || owner.idleSeconds > workspaceDays * daySeconds;
}

/** Removes one folder that counts for nobody. */
export function cleanLeftover(
  cleaning: WorkspaceCleaning,
  owner: TreeOwner,
  signal: AbortSignal,
): Promise<Outcome> {
  return letGo(cleaning, owner, { kind: 'leftover', days: cleaning.workspaceDays }, signal);
}

/** `left`: something is at work in it, or may still live there. */
export type Outcome = 'removed' | 'failed' | 'left';

function add(count: { removed: number; failed: number }, outcome: Outcome): void {
  if (outcome !== 'left') count[outcome] += 1;
}

/** Removes one folder for this reason, if that still holds, and lets the mirror go. Never rejects but for the signal. */
export async function letGo(
  cleaning: WorkspaceCleaning,
  owner: TreeOwner,
  because: ReasonToGo,
  signal: AbortSignal,
): Promise<Outcome> {
  const { database, workerId, mirrors } = cleaning;
  const { workspaceId } = owner;
  return attempt(cleaning, workspaceId, signal, async (discard) => {
    if (!(await mayBeLost(cleaning, owner, because, signal))) return false;
    return letGoOfWorkspace(database, { workspaceId, workerId, because }, async () => {
      await discard();
      // Within the lock: whoever comes next keeps its commit again, and this must not take that back.
      for (const { url, canonicalUrl } of owner.repositories) {
        const mirror = mirrors.find({ url }, canonicalUrl);
        if (mirror !== undefined) await mirrors.unkeep(mirror, workspaceId);
      }
    });
  });
}

/**
 * Whether nothing is lost with the tree, or nothing more can be done about it. A tree that counts has its work in a
 * bundle, and one that counts elsewhere is a copy; what a person deleted, and what filled the disk, is not wanted.
 */
async function mayBeLost(
  { keepLeftover }: WorkspaceCleaning,
  { workspaceId, workerId, isDeleted, isBusy, filledDisk }: TreeOwner,
  { kind }: ReasonToGo,
  signal: AbortSignal,
): Promise<boolean> {
  if (workerId !== null || isDeleted || filledDisk) return true;
  if (isBusy) return false;
  const kept = await keepLeftover(workspaceId, signal);
  // What no bundle can hold stays its days, whatever room it takes.
  return kept !== 'impossible' || kind !== 'room';
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
    // Nobody comes for what was put aside, and a disk that is too full to write that down needs the room.
    await removeTree(aside, signal).catch(() => undefined);
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
