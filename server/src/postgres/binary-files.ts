import { constants } from 'node:fs';
import {
  chmod,
  cp,
  lstat,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { folderError, syncFolder } from './folders.ts';

/** npm packages hold no symlinks: this file lists those that the package's install script would make. */
const linkListFile = 'pg-symlinks.json';

type LibraryLink = { readonly path: string; readonly target: string };

/** A copy built beside its final place: `commit` moves it there whole, `discard` removes what was not moved. */
export type DraftCopy = {
  readonly folder: string;
  readonly commit: () => Promise<void>;
  readonly discard: () => Promise<void>;
};

/** Whether a link of the package's list leads nowhere. */
export async function hasMissingLinks(folder: string): Promise<boolean> {
  for (const link of await readLinkList(folder)) {
    if ((await stat(link.path).catch(() => undefined)) === undefined) return true;
  }
  return false;
}

/** Makes the links of the package's list that are missing; false where this user may not write there. */
export async function linkLibraries(folder: string): Promise<boolean> {
  for (const link of await readLinkList(folder)) {
    try {
      await symlink(link.target, link.path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false;
      throw error;
    }
  }
  return true;
}

/** Copies `folder` (60 MB, 0.2 s) to a draft beside `destination`, readable and executable by every user. */
export async function copyBinaries(
  folder: string,
  destination: string,
  signal: AbortSignal,
): Promise<DraftCopy> {
  const parent = dirname(destination);
  try {
    await removeDrafts(destination);
    const draft = await mkdtemp(`${destination}.new-`);
    const discard = (): Promise<void> => rm(draft, { recursive: true, force: true });
    try {
      await cp(folder, draft, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
      signal.throwIfAborted();
      await openToEveryone(draft);
      await linkLibraries(draft);
    } catch (error) {
      await discard();
      throw error;
    }
    const commit = async (): Promise<void> => {
      await rm(destination, { recursive: true, force: true });
      await rename(draft, destination);
      await syncFolder(parent);
    };
    return { folder: draft, commit, discard };
  } catch (error) {
    throw folderError(parent, error);
  }
}

async function removeDrafts(destination: string): Promise<void> {
  for (const name of await readdir(dirname(destination))) {
    if (!name.startsWith(`${basename(destination)}.new-`)) continue;
    await rm(join(dirname(destination), name), { recursive: true, force: true });
  }
}

/** Also syncs each file: after a power failure a renamed folder may otherwise hold empty ones. */
async function openToEveryone(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await openToEveryone(path);
    } else if (entry.isFile()) {
      const { mode } = await lstat(path);
      await using handle = await open(path);
      await handle.chmod((mode & 0o100) === 0 ? 0o644 : 0o755);
      await handle.sync();
    }
  }
}

async function readLinkList(folder: string): Promise<readonly LibraryLink[]> {
  const text = await readFile(join(folder, linkListFile), 'utf8').catch(() => '[]');
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.filter(isListed).map((entry) => toLink(folder, entry)) : [];
}

type ListedLink = { readonly source: string; readonly target: string };

function isListed(value: unknown): value is ListedLink {
  if (typeof value !== 'object' || value === null) return false;
  const { source, target } = value as Partial<Record<keyof ListedLink, unknown>>;
  return typeof source === 'string' && typeof target === 'string';
}

/** The list counts from the package's folder (`native/lib/…`); its "target" is the link, its "source" the file. */
function toLink(folder: string, entry: ListedLink): LibraryLink {
  const path = join(folder, relative('native', entry.target));
  return { path, target: relative(dirname(entry.target), entry.source) };
}
