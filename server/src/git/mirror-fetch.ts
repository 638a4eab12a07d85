import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult } from '../lib/child-process.ts';
import { diagnose, GitError } from './git-error.ts';
import type { Git, Remote } from './git.ts';
import { busyFile } from './mirror-repair.ts';

export type Refresh = {
  readonly git: Git;
  readonly folder: string;
  readonly remote: Remote;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
};

export type Fetch = {
  readonly args?: readonly string[];
  readonly refspecs: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

const sizeCheckMs = 1000;
const damagedPack = /packfile .* cannot be accessed|too short to be a packfile|does not match index/u;

/**
 * Fetches into a mirror, which is `folder`; call it under the mirror's lock. Packs are kept as they come: a
 * mirror has no loose objects, which is what `copyPacks` relies on. git's answer, whatever it is, is for
 * `checkFetched`; throws where it was ended, and then leaves the mark by which the mirror is repaired.
 */
export async function fetchBounded(folder: string, refresh: Refresh, fetch: Fetch): Promise<CommandResult> {
  const busy = join(folder, busyFile);
  await writeFile(busy, '');
  const result = await runBounded(folder, refresh, fetch);
  await rm(busy, { force: true });
  return result;
}

/** Throws the `GitError` that the answer of a fetch tells, and for a mirror that has grown too large. */
export async function checkFetched(folder: string, refresh: Refresh, result: CommandResult): Promise<void> {
  if (result.code !== 0) throw diagnose(result.stderr, refresh.remote.url);
  // A fetch gets what it misses and succeeds, but the damaged pack would go into every tree.
  if (damagedPack.test(result.stderr))
    throw new GitError('corrupt', `the mirror of ${refresh.remote.url} is damaged`);
  if ((await packBytes(folder)) > refresh.maxBytes) throw tooLarge(refresh);
}

/** git cannot bound what a fetch stores: the folder is measured meanwhile. */
async function runBounded(
  folder: string,
  refresh: Refresh,
  { args = [], refspecs, env }: Fetch,
): Promise<CommandResult> {
  const limit = new AbortController();
  const timer = setInterval(() => {
    void packBytes(folder).then((bytes) => {
      if (bytes > refresh.maxBytes) limit.abort(tooLarge(refresh));
    });
  }, sizeCheckMs);
  const usual = ['--quiet', '--force', '--no-tags', '--no-write-fetch-head', '--no-show-forced-updates'];
  const more = ['--no-recurse-submodules', '--no-auto-maintenance'];
  try {
    return await refresh.git.talk(
      refresh.remote,
      (url) => ['fetch', ...usual, ...more, ...args, '--', url, ...refspecs],
      {
        cwd: folder,
        signal: AbortSignal.any([refresh.signal, limit.signal]),
        config: ['transfer.unpackLimit=1', 'fetch.writeCommitGraph=false'],
        ...(env === undefined ? {} : { env }),
      },
    );
  } finally {
    clearInterval(timer);
  }
}

function tooLarge({ remote, maxBytes }: Refresh): GitError {
  const limit = `${Math.floor(maxBytes / 1024 / 1024)} MiB`;
  return new GitError(
    'too_large',
    `${remote.url} is larger than the ${limit} that the mirrors may take. Raise that limit.`,
  );
}

function packBytes(folder: string): Promise<number> {
  return folderBytes(join(folder, 'objects', 'pack'));
}

/** The bytes of the files directly in a folder; 0 when it is gone. */
export async function folderBytes(folder: string): Promise<number> {
  try {
    const sizes = (await readdir(folder)).map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  } catch {
    return 0;
  }
}
