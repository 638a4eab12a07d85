import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { takeExclusiveLock } from '../lib/exclusive-lock.ts';
import { secretOf } from './credentials.ts';
import { GitError } from './git-error.ts';
import type { Git, Remote } from './git.ts';
import { findCurrentMirror } from './mirror-current.ts';
import type { Needed } from './mirror-current.ts';
import { dropKept, fetchPullRequest, keepCommit, type WantedPullRequest } from './mirror-keep.ts';
import { refreshMirror } from './mirror-refresh.ts';
import type { Mirror } from './mirror-refresh.ts';
import { lockPath, trimMirrors } from './mirror-trim.ts';

export type { Mirror } from './mirror-refresh.ts';

export type MirrorsOptions = {
  readonly git: Git;
  /** Made when missing, for this user alone; processes of one host may share it. */
  readonly folder: string;
  /** What the mirrors may take together, and so one of them alone. */
  readonly maxBytes: number;
  /** A mirror used within this time is never removed: its user may not have kept a commit yet. */
  readonly graceMs?: number;
};

/** One bare mirror per repository, of the server alone. */
export type Mirrors = {
  /**
   * Gives what the repository is now, fetched where the mirror lacks some of it. It always asks the remote,
   * with this credential: that is what lets a task read the mirror. With `needed`, other branches are as the
   * remote named them, and their commits may be missing here. Calls for the same of a repository with the
   * same credential share one conversation, as long as that began after each of them was called. Throws
   * `GitError`.
   */
  readonly refresh: (
    remote: Remote,
    canonicalUrl: string,
    signal: AbortSignal,
    needed?: Needed,
  ) => Promise<Mirror>;
  /** Where the mirror is, for who has refreshed it before; undefined when there is none. */
  readonly find: (remote: Remote, canonicalUrl: string) => Pick<Mirror, 'folder'> | undefined;
  /**
   * Gives the head of a pull request as it is now, from whichever fork, fetched with this credential into a
   * mirror that was just refreshed: one conversation. It is kept as with `keep`, beside the commit that `id`
   * keeps, until `unkeep`. Throws `GitError`, `pull_request_not_found` where the remote has no such ref.
   */
  readonly fetchPullRequest: (
    remote: Remote,
    mirror: Pick<Mirror, 'folder'>,
    wanted: WantedPullRequest,
    signal: AbortSignal,
  ) => Promise<string>;
  /** Keeps a commit, and its mirror, for as long as `id` (letters, digits, dashes) stands. May be repeated. */
  readonly keep: (mirror: Mirror, id: string, commit: string) => Promise<void>;
  /** Takes back what `id` keeps; nothing happens when that is nothing, or there is no mirror any more. */
  readonly unkeep: (mirror: Pick<Mirror, 'folder'>, id: string) => Promise<void>;
  /** Removes what killed processes left, repacks, and removes the least recently used unkept mirrors. */
  readonly trim: (signal?: AbortSignal) => Promise<void>;
};

const defaultGraceMs = 10 * 60 * 1000;

/** See `Mirrors`. Two of them may share a folder, in one process or in several. */
export function createMirrors(options: MirrorsOptions): Mirrors {
  const { git, folder, maxBytes } = options;
  const never = new AbortController().signal;
  const fetches = createShared<Mirror>();
  const folderOf = (remote: Remote, canonicalUrl: string): string =>
    join(folder, mirrorName(remote, canonicalUrl));
  return {
    refresh(remote, canonicalUrl, signal, needed) {
      const mirror = folderOf(remote, canonicalUrl);
      const work = async (shared: AbortSignal): Promise<Mirror> => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        using _lock = await takeExclusiveLock(lockPath(mirror), shared);
        const refreshing = { git, folder: mirror, remote, maxBytes, signal: shared };
        return (await findCurrentMirror(refreshing, needed)) ?? (await refreshMirror(refreshing));
      };
      const key = JSON.stringify([mirror, credentialKey(remote), needed === undefined, needed?.branch]);
      return fetches.join({ queue: mirror, key, work, signal });
    },
    find(remote, canonicalUrl) {
      const mirror = folderOf(remote, canonicalUrl);
      return existsSync(mirror) ? { folder: mirror } : undefined;
    },
    async fetchPullRequest(remote, mirror, wanted, signal) {
      using _lock = await takeExclusiveLock(lockPath(mirror.folder), signal);
      return await fetchPullRequest({ git, folder: mirror.folder, remote, maxBytes, signal }, wanted);
    },
    keep: (mirror, id, commit) => keepCommit(git, mirror.folder, id, commit),
    async unkeep(mirror, id) {
      if (existsSync(mirror.folder)) await dropKept(git, mirror.folder, id);
    },
    trim: (signal = never) =>
      trimMirrors({ git, folder, maxBytes, graceMs: options.graceMs ?? defaultGraceMs, signal }),
  };
}

/**
 * Where the mirror is, for who has refreshed it before; refreshed only where there is none any more, and only
 * then is the remote asked for: a credential that is gone by now does not hold up finished work.
 */
export async function findOrRefresh(
  mirrors: Pick<Mirrors, 'find' | 'refresh'>,
  wanted: {
    readonly url: string;
    readonly canonical: string;
    readonly remote: () => Promise<Remote>;
    readonly signal: AbortSignal;
  },
): Promise<Pick<Mirror, 'folder'>> {
  const { url, canonical, remote, signal } = wanted;
  return mirrors.find({ url }, canonical) ?? mirrors.refresh(await remote(), canonical, signal);
}

/**
 * The branch to start from and its commit: the wanted one, else the default one, else the only one.
 * Throws `GitError`: `empty_repository` or `branch_not_found`.
 */
export function resolveBranch(
  mirror: Mirror,
  wanted: string | undefined,
): { branch: string; commit: string } {
  const { branches, defaultBranch } = mirror;
  if (branches.size === 0) {
    throw new GitError('empty_repository', 'the repository is empty: push a first commit to it.');
  }
  const only = branches.size === 1 ? [...branches.keys()][0] : undefined;
  const branch = wanted ?? defaultBranch ?? only;
  const commit = branch === undefined ? undefined : branches.get(branch);
  if (branch !== undefined && commit !== undefined) return { branch, commit };
  const some = [...branches.keys()].slice(0, 5).join(', ');
  const existing = `It has ${some}${branches.size > 5 ? ` and ${branches.size - 5} more` : ''}.`;
  const problem =
    branch === undefined
      ? 'the repository has no default branch: name one.'
      : `the repository has no branch ${branch}.`;
  throw new GitError('branch_not_found', `${problem} ${existing}`);
}

/** The address as given takes part too: a plain server may have both `x` and `x.git`, for different readers. */
function mirrorName(remote: Remote, canonicalUrl: string): string {
  return `${createHash('sha256').update(`${canonicalUrl}\n${remote.url}`).digest('hex')}.git`;
}

function credentialKey({ credential }: Remote): string {
  if (credential === undefined) return 'none';
  const user = credential.kind === 'password' ? credential.username : undefined;
  const text = JSON.stringify([credential.kind, user, secretOf(credential).reveal()]);
  return createHash('sha256').update(text).digest('hex');
}

type Joined<T> = {
  readonly queue: string;
  readonly key: string;
  readonly work: (signal: AbortSignal) => Promise<T>;
  readonly signal: AbortSignal;
};

/**
 * Work in queues, one at a time; who asks for work with the key of some that has not begun yet shares it.
 * It is aborted when everybody who waits for it has gone.
 */
function createShared<T>(): { readonly join: (joined: Joined<T>) => Promise<T> } {
  type Entry = { readonly result: Promise<T>; readonly controller: AbortController; waiting: number };
  const tails = new Map<string, Promise<unknown>>();
  const waiting = new Map<string, Entry>();

  function enqueue({ queue, key, work }: Joined<T>): Entry {
    const controller = new AbortController();
    const before = tails.get(queue) ?? Promise.resolve();
    const result = before.then(() => {
      waiting.delete(key);
      controller.signal.throwIfAborted();
      return work(controller.signal);
    });
    const entry: Entry = { result, controller, waiting: 0 };
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    tails.set(queue, tail);
    void tail.then(() => {
      if (tails.get(queue) === tail) tails.delete(queue);
    });
    waiting.set(key, entry);
    return entry;
  }

  return {
    async join(joined) {
      joined.signal.throwIfAborted();
      const entry = waiting.get(joined.key) ?? enqueue(joined);
      entry.waiting += 1;
      const leave = (): void => {
        entry.waiting -= 1;
        if (entry.waiting > 0) return;
        // Nobody may join what is about to be aborted.
        if (waiting.get(joined.key) === entry) waiting.delete(joined.key);
        entry.controller.abort(joined.signal.reason);
      };
      joined.signal.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([entry.result, rejectedBy(joined.signal, entry.result)]);
      } finally {
        joined.signal.removeEventListener('abort', leave);
      }
    },
  };
}

/** Rejects when the signal is aborted; settles with `until` otherwise, so that nothing stays behind. */
function rejectedBy<T>(signal: AbortSignal, until: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    until.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
