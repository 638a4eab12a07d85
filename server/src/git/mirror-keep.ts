import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GitError } from './git-error.ts';
import type { Git } from './git.ts';
import { checkFetched, fetchBounded, type Refresh } from './mirror-fetch.ts';
import { busyFile, repairMirror } from './mirror-repair.ts';

/** What is kept here stays whatever the remote does to its branches: see `Mirrors.keep`. */
export const keptRefs = 'refs/slipway/keep/';

export type WantedPullRequest = {
  readonly number: number;
  /** Where the remote has its head: `refs/pull/N/head`, or as its forge calls it. */
  readonly ref: string;
  /** By which its head is kept: letters, digits, dashes. */
  readonly id: string;
};

const never = new AbortController().signal;

/** See `Mirrors.keep`. */
export async function keepCommit(git: Git, folder: string, id: string, commit: string): Promise<void> {
  const args = ['--git-dir', folder, 'update-ref', baseRef(id), commit];
  await git.check(args, { cwd: '/', signal: never, target: `commit ${commit}` });
}

/** See `Mirrors.unkeep`. */
export async function dropKept(git: Git, folder: string, id: string): Promise<void> {
  await git.check(['--git-dir', folder, 'update-ref', '--stdin'], {
    cwd: '/',
    signal: never,
    target: `the kept commits of ${id}`,
    input: `delete ${baseRef(id)}\ndelete ${headRef(id)}\n`,
  });
}

/**
 * See `Mirrors.fetchPullRequest`; call it under the mirror's lock. It is fetched right into the ref that keeps
 * it, so there is no moment in which it could be lost, and nothing to be cleared away.
 */
export async function fetchPullRequest(
  refresh: Refresh,
  { number, ref, id }: WantedPullRequest,
): Promise<string> {
  const { git, folder, remote, signal } = refresh;
  if (existsSync(join(folder, busyFile))) await repairMirror(folder);
  const kept = headRef(id);
  const result = await fetchBounded(folder, refresh, { refspecs: [`+${ref}:${kept}`] });
  if (/couldn't find remote ref/iu.test(result.stderr)) {
    throw new GitError(
      'pull_request_not_found',
      `${remote.url} has no pull request ${number}, or has given up its commits. Check the number.`,
    );
  }
  await checkFetched(folder, refresh, result);
  const args = ['--git-dir', folder, 'rev-parse', '--verify', '--quiet', `${kept}^{commit}`];
  const { stdout } = await git.check(args, { cwd: '/', signal, target: `pull request ${number}` });
  return stdout.toString('utf8').trim();
}

function baseRef(id: string): string {
  if (!/^[A-Za-z0-9-]{1,100}$/u.test(id)) throw new TypeError(`not an id to keep a commit by: ${id}`);
  return `${keptRefs}${id}`;
}

/** A dot is in no id. */
function headRef(id: string): string {
  return `${baseRef(id)}.head`;
}
