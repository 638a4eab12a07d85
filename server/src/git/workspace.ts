import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBranchName } from '../domain/branch-name.ts';
import { GitError } from './git-error.ts';
import type { Git } from './git.ts';
import { copyPacks, layOutRepository } from './layout.ts';
import type { Mirror } from './mirror-refresh.ts';

export type TreeRequest = {
  readonly git: Git;
  readonly mirror: Mirror;
  /** The folder to make; it must not exist. */
  readonly tree: string;
  /** The new branch to work on. */
  readonly branch: string;
  /** Where it begins: a commit of the mirror, or of `also`. */
  readonly commit: string;
  /** The remote's branch that the work is based on, and its commit: shown to the agent as `origin/<branch>`. */
  readonly base?: { readonly branch: string; readonly commit: string };
  /** The public address that the tree knows as `origin`. */
  readonly originUrl: string;
  /** A clean repository with commits that the mirror lacks: what an earlier run of this workspace made. */
  readonly also?: string;
  readonly signal: AbortSignal;
};

/**
 * Makes a tree with its repository, nothing checked out: that is done in the sandbox. It has the whole
 * history, all tags, and shares neither objects nor inodes with the mirror, so neither can harm the other.
 * What `git clone --no-hardlinks --no-checkout --template=` makes, without its processes (a half of the time
 * on a small repository). Throws `GitError` `submodules` or `lfs` for what is not supported yet.
 */
export async function createTree(request: TreeRequest): Promise<void> {
  const { mirror, tree, branch, commit, base } = request;
  for (const name of [branch, ...(base === undefined ? [] : [base.branch])]) {
    if (!isBranchName(name)) throw new TypeError(`not a branch name: ${JSON.stringify(name)}`);
  }
  await mkdir(tree, { mode: 0o700 });
  const folder = join(tree, '.git');
  await layOutRepository(folder, { bare: false, head: `refs/heads/${branch}`, config: configOf(request) });
  const objects = join(folder, 'objects');
  const copyAll = async (): Promise<void> => {
    await copyPacks(join(mirror.folder, 'objects'), objects);
    if (request.also !== undefined) await copyPacks(join(request.also, 'objects'), objects);
  };
  await Promise.all([copyAll(), refuseUnsupported(request)]);
  const refs = [...mirror.tags].map(([name, id]) => `${id} refs/tags/${name}`);
  if (base !== undefined) refs.push(`${base.commit} refs/remotes/origin/${base.branch}`);
  refs.push(`${commit} refs/heads/${branch}`);
  await writeFile(join(folder, 'packed-refs'), `${refs.join('\n')}\n`);
}

function configOf({ originUrl, base, branch }: TreeRequest): string {
  // Quotes and line breaks would end the value; an address that was parsed has none.
  if (/["\\\n]/u.test(originUrl)) throw new TypeError('not an address for a configuration file');
  const fetch =
    base === undefined
      ? '+refs/heads/*:refs/remotes/origin/*'
      : `+refs/heads/${base.branch}:refs/remotes/origin/${base.branch}`;
  return [
    '\tlogallrefupdates = true',
    '[remote "origin"]',
    `\turl = "${originUrl}"`,
    `\tfetch = "${fetch}"`,
    `[branch "${branch}"]`,
    '\tremote = origin',
    '',
  ].join('\n');
}

const maxListingBytes = 128 * 1024 * 1024;
const maxAttributesBytes = 16 * 1024 * 1024;

/** Looks through the commit on the server, where nothing of it is checked out or run. */
async function refuseUnsupported({ git, mirror, also, commit, signal }: TreeRequest): Promise<void> {
  const call = { cwd: '/', signal, target: `commit ${commit}`, maxOutputBytes: maxListingBytes };
  const repository = also ?? mirror.folder;
  const listing = await git.check(
    ['--git-dir', repository, 'ls-tree', '-r', '-z', '--full-tree', commit],
    call,
  );
  const { hasSubmodules, attributes } = readListing(listing.stdout);
  if (hasSubmodules) {
    throw new GitError('submodules', 'the repository has submodules, which are not supported yet.');
  }
  if (attributes.length === 0) return;
  const contents = await git.check(['--git-dir', repository, 'cat-file', '--batch'], {
    ...call,
    input: `${attributes.join('\n')}\n`,
    maxOutputBytes: maxAttributesBytes,
  });
  if (/^[^#\n]*\sfilter=lfs(?:\s|$)/mu.test(contents.stdout.toString('latin1'))) {
    throw new GitError('lfs', 'the repository keeps files in Git LFS, which is not supported yet.');
  }
}

/** Reads `<mode> <type> <id>\t<path>\0`, without making strings of what is not looked for. */
function readListing(listing: Buffer): { hasSubmodules: boolean; attributes: string[] } {
  const attributes: string[] = [];
  const wanted = '.gitattributes\0';
  for (let at = listing.indexOf(wanted); at !== -1; at = listing.indexOf(wanted, at + 1)) {
    const before = listing[at - 1];
    if (before !== 0x2f && before !== 0x09) continue;
    const start = listing.lastIndexOf(0, at - 1) + 1;
    const [mode, , id] = listing.toString('latin1', start, listing.indexOf(0x09, start)).split(' ');
    if (mode?.startsWith('100') === true && id !== undefined) attributes.push(id);
  }
  const hasSubmodules =
    listing.subarray(0, 7).toString('latin1') === '160000 ' ||
    listing.includes('\x00160000 commit ') ||
    hasModules(listing);
  return { hasSubmodules, attributes };
}

/** A `.gitmodules` in the root. */
function hasModules(listing: Buffer): boolean {
  return listing.includes('\t.gitmodules\0');
}
