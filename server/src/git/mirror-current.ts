import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError } from './git-error.ts';
import type { RemoteRefs } from './list-refs.ts';
import { busyFile } from './mirror-repair.ts';
import type { Refresh } from './mirror-fetch.ts';
import { readMirror, usedFile } from './mirror-refresh.ts';
import type { Mirror } from './mirror-refresh.ts';

/** What the caller of a refresh is going to read: the tags, and one branch (undefined: the default one). */
export type Needed = { readonly branch: string | undefined };

/**
 * The mirror, without a fetch: where the remote, asked with this credential, has nothing of what is needed
 * that is not here already. Undefined when it has, or when that cannot be told for certain. Call it under the
 * mirror's lock. Without `needed`, everything is.
 */
export async function findCurrentMirror(
  { git, folder, remote, signal }: Omit<Refresh, 'maxBytes'>,
  needed: Needed | undefined,
): Promise<Mirror | undefined> {
  if (!existsSync(folder) || existsSync(join(folder, busyFile))) return undefined;
  const [refs, mirror] = await Promise.all([
    git.listRefs(remote, signal),
    // A mirror that cannot be read is for the fetch to replace.
    readMirror(git, folder, signal).catch(ignoreGitError),
  ]);
  if (refs === undefined || mirror === undefined || !hasAll(mirror, refs, needed)) return undefined;
  await writeFile(join(folder, usedFile), '');
  return { folder, defaultBranch: refs.defaultBranch, branches: refs.branches, tags: mirror.tags };
}

function hasAll(mirror: Mirror, refs: RemoteRefs, needed: Needed | undefined): boolean {
  // Which branch a HEAD without a name stands for is for the fetch to guess.
  if (refs.defaultBranch === undefined) return false;
  const here = new Set(mirror.branches.values());
  const wanted =
    needed === undefined
      ? [...refs.branches.values()]
      : [refs.branches.get(needed.branch ?? refs.defaultBranch)];
  return (
    wanted.every((commit) => commit !== undefined && here.has(commit)) &&
    refs.tags.size === mirror.tags.size &&
    [...refs.tags].every(([name, id]) => mirror.tags.get(name) === id)
  );
}

function ignoreGitError(error: unknown): undefined {
  if (!(error instanceof GitError)) throw error;
}
