import { isBranchName } from '../domain/branch-name.ts';
import type { CommandResult } from '../lib/child-process.ts';
import { diagnose, wordsOf } from './git-error.ts';
import type { Git, Remote } from './git.ts';

export type PushRequest = {
  readonly git: Git;
  /** The clean repository that has the commit. */
  readonly folder: string;
  readonly remote: Remote;
  readonly commit: string;
  readonly branch: string;
  /** The commit that we pushed to this branch last; undefined: the branch must not exist yet. */
  readonly expected: string | undefined;
  readonly signal: AbortSignal;
};

export type PushOutcome =
  | { readonly kind: 'pushed' }
  /** The branch is at this commit already: an earlier push whose answer was lost. */
  | { readonly kind: 'already_there' }
  /** The branch exists, and is not ours. */
  | { readonly kind: 'taken'; readonly by: string }
  /** Somebody else moved our branch; undefined: deleted it. */
  | { readonly kind: 'moved'; readonly to: string | undefined }
  /** The remote does not want it: a hook, a protected branch. The message has its own words. */
  | { readonly kind: 'rejected'; readonly message: string };

const maxWords = 2000;

/**
 * Makes `branch` of the remote be `commit`, and may be repeated after any crash. One conversation when all
 * is well: git itself compares, in the order that is needed here, the remote's branch with the commit (then
 * there is nothing to do), then with `expected` (the lease); only a broken lease is looked into. The forge
 * compares once more when it takes the push. Throws `GitError` where the remote could not be asked.
 */
export async function pushBranch(request: PushRequest): Promise<PushOutcome> {
  if (!isBranchName(request.branch))
    throw new TypeError(`not a branch name: ${JSON.stringify(request.branch)}`);
  const result = await push(request);
  const answer = readAnswer(result.stdout.toString('utf8'), request.branch);
  if (answer === undefined) throw diagnose(result.stderr, request.remote.url);
  if (answer.flag === '=') return { kind: 'already_there' };
  if (answer.flag !== '!') return { kind: 'pushed' };
  // Between the forge's first word and the push somebody may have been faster: that is no refusal either.
  if (
    /stale info|cannot lock|failed to (?:update|lock)|fetch first|non-fast-forward|already exists/u.test(
      answer.summary,
    )
  ) {
    const current = await lookUp(request);
    if (current === request.commit) return { kind: 'already_there' };
    if (current !== request.expected) return displaced(request.expected, current);
  }
  const words = wordsOf(result.stderr.replaceAll(/^(?:error|hint|To): .*$/gmu, ''), maxWords);
  return { kind: 'rejected', message: `${answer.summary}: ${words}`.slice(0, maxWords) };
}

function displaced(expected: string | undefined, current: string | undefined): PushOutcome {
  return expected === undefined && current !== undefined
    ? { kind: 'taken', by: current }
    : { kind: 'moved', to: current };
}

async function push({
  git,
  folder,
  remote,
  commit,
  branch,
  expected,
  signal,
}: PushRequest): Promise<CommandResult> {
  const ref = `refs/heads/${branch}`;
  const lease = `--force-with-lease=${ref}:${expected ?? ''}`;
  const options = [
    '--porcelain',
    '--no-progress',
    '--no-verify',
    '--recurse-submodules=no',
    '--no-follow-tags',
    '--no-signed',
  ];
  return git.talk(remote, (url) => ['push', ...options, lease, '--', url, `${commit}:${ref}`], {
    cwd: folder,
    signal,
  });
}

/** One line per ref: flag, tab, refs, tab, `summary (reason)`. Undefined: the push did not come that far. */
function readAnswer(output: string, branch: string): { flag: string; summary: string } | undefined {
  for (const line of output.split('\n')) {
    const [flag, refs, summary] = line.split('\t');
    if (flag === undefined || summary === undefined) continue;
    if (refs?.endsWith(`:refs/heads/${branch}`) === true) return { flag, summary };
  }
  return undefined;
}

/** The commit that the remote's branch is at; undefined: there is no such branch. Throws `GitError`. */
async function lookUp({ git, folder, remote, branch, signal }: PushRequest): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  const result = await git.talk(remote, (url) => ['ls-remote', '--refs', '--', url, ref], {
    cwd: folder,
    signal,
  });
  if (result.code !== 0) throw diagnose(result.stderr, remote.url);
  // The pattern also matches refs that end like it.
  const line = result.stdout
    .toString('utf8')
    .split('\n')
    .find((text) => text.endsWith(`\t${ref}`));
  return line?.slice(0, line.indexOf('\t'));
}
