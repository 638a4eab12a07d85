import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { taskBranch } from '../domain/branch-name.ts';
import { RunFailure } from '../domain/failure.ts';
import { parseRepositoryUrl } from '../domain/repository-url.ts';
import { runInSandbox } from '../executors/run-in-sandbox.ts';
import type { Place } from '../executors/executor.ts';
import type { Remote } from '../git/git.ts';
import { resolveBranch, type Mirror } from '../git/mirrors.ts';
import { receiveBundle, releaseClean } from '../git/receive-bundle.ts';
import { checkoutCommand, resultRef } from '../git/sandbox-scripts.ts';
import { createTree, type TreeRequest } from '../git/workspace.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { agentOf, sessionOf } from './agent-task.ts';
import type { WorkerContext } from './context.ts';
import { restoreSession } from './keep-session.ts';
import { remoteOf } from './remote-of.ts';
import { discardFolder, endEarlierRuns, workspaceFolder } from './workspace-folders.ts';

export type Prepared = {
  readonly place: Place;
  readonly baseBranch: string;
  readonly baseCommit: string;
};

const checkoutTimeoutMs = 10 * 60_000;
const checkoutOutputBytes = 64 * 1024;
const errorCharacters = 500;

/** The mirror of the task's repository, refreshed with the task's own credential: nobody else's is enough. */
async function refreshMirror(
  context: Pick<WorkerContext, 'mirrors' | 'settings'>,
  run: ClaimedRun,
  { remote, signal }: { readonly remote: Remote; readonly signal: AbortSignal },
): Promise<Mirror> {
  const { canonical } = parseRepositoryUrl(remote.url, context.settings.repositories);
  // Work that has a base goes on from there, wherever its branch is by now.
  const needed = run.baseCommit === null ? { branch: wantedBranch(run) } : undefined;
  return context.mirrors.refresh(remote, canonical, signal, needed);
}

/** Undefined: the default one. */
function wantedBranch({ options }: ClaimedRun): string | undefined {
  return options.sourceBranch ?? options.targetBranch;
}

/**
 * The tree that the run works in: the one of the run before it where that lies on this disk and ended well,
 * else a new one, from what is kept of the work so far.
 *
 * @throws GitError, RunFailure
 */
export async function prepareWorkspace(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<Prepared> {
  const { baseBranch, baseCommit } = run;
  if (!hasTree(context, run) || baseBranch === null || baseCommit === null) {
    return layOutWorkspace(context, run, signal);
  }
  await endEarlierRuns(context, run, signal);
  const folder = workspaceFolder(context.folders, run);
  return { place: context.executor.place(folder, run.workspaceNumber), baseBranch, baseCommit };
}

/** Whether the tree of the run before this one lies on this disk, as that left it: nothing is cloned then. */
export function hasTree(context: WorkerContext, run: ClaimedRun): boolean {
  const goesOn = run.cause === 'follow_up' || run.cause === 'resumed';
  if (!goesOn || run.treeWorkerId !== context.workerId || run.baseCommit === null) return false;
  return existsSync(join(workspaceFolder(context.folders, run), 'tree'));
}

/**
 * Fetch, clone, checkout. The tree's repository is laid out by the server in a folder that no agent has
 * touched; the checkout runs in the sandbox, by its user, since it may run filters that the repository
 * names. The folder appears under its name only when it is whole.
 */
async function layOutWorkspace(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<Prepared> {
  const remote = await remoteOf(context, run, signal);
  const mirror = await refreshMirror(context, run, { remote, signal });
  context.faults.reach('prepare.refreshed');
  await using start = await findStart(context, run, { mirror, signal });
  const folder = workspaceFolder(context.folders, run);
  const aside = join(context.folders.scratch, `workspace-${run.runId}`);
  await discardFolder(context, aside);
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const tree: TreeRequest = {
    git: context.git,
    mirror,
    tree: join(aside, 'tree'),
    branch: workBranch(context, run),
    commit: start.commit,
    base: start.base,
    originUrl: run.repositoryUrl,
    ...(start.also === undefined ? {} : { also: start.also }),
    signal,
  };
  await Promise.all([
    createTree(tree).then(() =>
      context.executor.handOver(context.executor.place(aside, run.workspaceNumber)),
    ),
    context.mirrors.keep(mirror, run.workspaceId, start.base.commit),
    endEarlierRuns(context, run, signal).then(() => discardFolder(context, folder)),
  ]).catch(async (error: unknown) => {
    // The next attempt, if there is one, is another run: nobody would come for this one's folder.
    await discardFolder(context, aside);
    throw error;
  });
  await rename(aside, folder);
  context.faults.reach('prepare.cloned');
  const place = context.executor.place(folder, run.workspaceNumber);
  await checkOut(context, place, start.snapshot, signal);
  if (sessionOf(agentOf(context, run), run) !== undefined) await restoreSession(context, run, signal);
  context.faults.reach('prepare.ready');
  return { place, baseBranch: start.base.branch, baseCommit: start.base.commit };
}

/** Where a new tree begins. */
type Start = AsyncDisposable & {
  readonly base: { readonly branch: string; readonly commit: string };
  readonly commit: string;
  /** A clean repository that has the commit, where the mirror does not. */
  readonly also: string | undefined;
  /** The commit is a parked run's: what it holds was not committed by anybody. */
  readonly snapshot: boolean;
};

/**
 * The tip of the wanted branch for a task without work; for one with work its own base, and what was kept of
 * the work last: a parked run's snapshot, else what the last finished run left.
 */
async function findStart(
  context: WorkerContext,
  run: ClaimedRun,
  { mirror, signal }: { readonly mirror: Mirror; readonly signal: AbortSignal },
): Promise<Start> {
  const tip = { also: undefined, snapshot: false, [Symbol.asyncDispose]: async () => {} };
  const { baseBranch: branch, baseCommit } = run;
  const blobId = run.snapshotBlobId ?? run.bundleBlobId;
  const begun = run.iteration > 1 || blobId !== null;
  if (!begun || branch === null || baseCommit === null) {
    const base = resolveBranch(mirror, wantedBranch(run));
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

/** The branch that the agent works on, and the first name that is tried when the work is pushed. */
export function workBranch(context: WorkerContext, run: ClaimedRun): string {
  return run.branch ?? taskBranch(context.settings.branchPrefix, run.prompt, run.taskId);
}

async function checkOut(
  context: WorkerContext,
  place: Place,
  snapshot: boolean,
  signal: AbortSignal,
): Promise<void> {
  const done = await runInSandbox(
    context.executor,
    place,
    { ...checkoutCommand(place.treeInside, snapshot), brief: true },
    {
      limits: context.settings.sandbox,
      timeoutMs: checkoutTimeoutMs,
      maxOutputBytes: checkoutOutputBytes,
      signal,
    },
  );
  if (done.code === 0) return;
  const reason = done.timedOut ? 'it took too long' : done.stderr.trim().slice(-errorCharacters);
  throw new RunFailure({
    code: 'workspace_broken',
    phase: 'prepare',
    retryable: false,
    message: `clone failed: the files could not be checked out: ${reason}`,
  });
}
