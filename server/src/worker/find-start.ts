import { join } from 'node:path';
import { RunFailure } from '../domain/failure.ts';
import { parseRepositoryUrl } from '../domain/repository-url.ts';
import { ForgeError } from '../forges/forge.ts';
import type { Remote } from '../git/git.ts';
import { resolveBranch, type Mirror } from '../git/mirrors.ts';
import { receiveBundle, releaseClean } from '../git/receive-bundle.ts';
import { resultRef } from '../git/sandbox-scripts.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { WorkerContext } from './context.ts';

/** Where a new tree begins. */
export type Start = AsyncDisposable & {
  readonly base: { readonly branch: string; readonly commit: string };
  readonly commit: string;
  /** A clean repository that has the commit, where the mirror does not. */
  readonly also: string | undefined;
  /** The commit is a parked run's: what it holds was not committed by anybody. */
  readonly snapshot: boolean;
};

type Finding = {
  readonly mirror: Mirror;
  readonly remote: Remote;
  /** The branch to start from; undefined: the default one. */
  readonly wanted: string | undefined;
  readonly signal: AbortSignal;
};

/**
 * The tip of the wanted branch for a workspace without work; for one with work, whosever, its base, and what was kept
 * of the work last: a parked run's snapshot, else what the last finished run left. A pull request is looked at as it
 * is now.
 */
export async function findStart(context: WorkerContext, run: ClaimedRun, finding: Finding): Promise<Start> {
  const { mirror, remote, wanted, signal } = finding;
  const tip = { also: undefined, snapshot: false, [Symbol.asyncDispose]: async () => {} };
  const { baseBranch: branch, baseCommit } = run;
  if (run.kind === 'pr_review') {
    const base = resolveBranch(mirror, wanted);
    const commit = await fetchHead(context, run, { mirror, remote, signal });
    return { ...tip, base, commit };
  }
  const blobId = run.snapshotBlobId ?? run.bundleBlobId;
  const shares = run.options.workspaceTaskId !== undefined;
  const begun = run.iteration > 1 || run.aside || shares || blobId !== null;
  if (!begun || branch === null || baseCommit === null) {
    const base = resolveBranch(mirror, wanted);
    return { ...tip, base, commit: base.commit };
  }
  const base = { branch, commit: baseCommit };
  if (blobId === null) return { ...tip, base, commit: baseCommit };
  const also = join(context.folders.scratch, `kept-${run.runId}.git`);
  await releaseClean(also);
  const { commit } = await receiveBundle({
    git: context.git,
    mirror,
    bundle: context.blobs.path(blobId),
    folder: also,
    ref: resultRef,
    base: baseCommit,
    maxBytes: context.settings.bundleBytes,
    signal,
  });
  const snapshot = run.snapshotBlobId !== null;
  return { base, commit, also, snapshot, [Symbol.asyncDispose]: () => releaseClean(also) };
}

/** The commit that the pull request is at, from whichever fork it comes. */
function fetchHead(
  context: WorkerContext,
  run: ClaimedRun,
  { mirror, remote, signal }: Pick<Finding, 'mirror' | 'remote' | 'signal'>,
): Promise<string> {
  const number = pullRequestOf(run);
  const ref = context.forgeOf(run.repositoryUrl).pullRequestRef(number);
  return context.mirrors.fetchPullRequest(remote, mirror, { number, ref, id: run.workspaceId }, signal);
}

/** The pull request that a `pr_review` is about. */
export function pullRequestOf({ options }: Pick<ClaimedRun, 'options'>): number {
  if (options.pullRequestNumber === undefined)
    throw new Error('a pull request is reviewed without its number');
  return options.pullRequestNumber;
}

/**
 * The branch to start from: the one that the task names, else for a pull request the one that it goes into, which
 * only its forge knows. Undefined: the default one.
 *
 * @throws RunFailure
 */
export async function wantedBranch(
  context: Pick<WorkerContext, 'forgeOf' | 'findCredential' | 'settings'>,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { sourceBranch, targetBranch } = run.options;
  if (run.kind !== 'pr_review') return sourceBranch ?? targetBranch;
  const forge = context.forgeOf(run.repositoryUrl);
  if (targetBranch !== undefined || !forge.abilities.pullRequests) return targetBranch;
  const { path } = parseRepositoryUrl(run.repositoryUrl, context.settings.repositories);
  const { token } = await context.findCredential(run, signal);
  const number = pullRequestOf(run);
  try {
    const found = await forge.findPullRequest({ url: run.repositoryUrl, path, token, number }, signal);
    return found.baseBranch;
  } catch (error) {
    if (!(error instanceof ForgeError) || signal.aborted) throw error;
    throw new RunFailure(
      {
        code: error.code === 'not_found' ? 'pull_request_not_found' : 'repository_unreachable',
        phase: 'prepare',
        retryable: error.retryable,
        message: `clone failed: ${error.message}`,
      },
      error,
    );
  }
}
