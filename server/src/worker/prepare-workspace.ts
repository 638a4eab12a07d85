import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { firstBranch } from '../domain/branch-name.ts';
import { RunFailure } from '../domain/failure.ts';
import { parseRepositoryUrl } from '../domain/repository-url.ts';
import { runInSandbox } from '../executors/run-in-sandbox.ts';
import type { Place } from '../executors/executor.ts';
import type { Remote } from '../git/git.ts';
import type { Mirror } from '../git/mirrors.ts';
import { checkoutCommand } from '../git/sandbox-scripts.ts';
import { createTree, type TreeRequest } from '../git/workspace.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { forgetTree } from '../store/idle-workspaces.ts';
import { withPatience } from '../store/patience.ts';
import { agentOf, sessionOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { findStart, pullRequestOf, wantedBranch } from './find-start.ts';
import { restoreSession } from './keep-session.ts';
import { remoteOf } from './remote-of.ts';
import { discardFolder, endEarlierRuns, workspaceFolder } from './workspace-folders.ts';

export type Prepared = {
  readonly place: Place;
  readonly baseBranch: string;
  readonly baseCommit: string;
  /** Of a pull request. */
  readonly headCommit?: string;
};

const checkoutTimeoutMs = 10 * 60_000;
const checkoutOutputBytes = 64 * 1024;
const errorCharacters = 500;

type Refreshing = {
  readonly remote: Remote;
  readonly wanted: string | undefined;
  readonly signal: AbortSignal;
};

/** The mirror of the task's repository, refreshed with the task's own credential: nobody else's is enough. */
async function refreshMirror(
  context: Pick<WorkerContext, 'mirrors' | 'settings'>,
  run: ClaimedRun,
  { remote, wanted, signal }: Refreshing,
): Promise<Mirror> {
  const { canonical } = parseRepositoryUrl(remote.url, context.settings.repositories);
  // Work that has a base goes on from there, wherever its branch is by now.
  const needed = run.baseCommit === null ? { branch: wanted } : undefined;
  return context.mirrors.refresh(remote, canonical, signal, needed);
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
  // Each look at a pull request begins with what it is by then.
  if (run.kind === 'pr_review' && run.cause !== 'resumed') return false;
  if (run.treeWorkerId !== context.workerId || run.baseCommit === null) return false;
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
  const wanted = await wantedBranch(context, run, signal);
  const mirror = await refreshMirror(context, run, { remote, wanted, signal });
  context.faults.reach('prepare.refreshed');
  await using start = await findStart(context, run, { mirror, remote, wanted, signal });
  // From here on, what lies there under its name need not be whole.
  if (run.baseCommit !== null) {
    await withPatience(signal, () => forgetTree(context.database, run.workspaceId));
  }
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
  // Who only looks at the work leaves the conversation to who goes on with it.
  // Tests leave it to the agent that may have to go on.
  if (run.aside || run.kind === 'test' || sessionOf(agentOf(context, run), run) !== undefined) {
    await restoreSession(context, run, signal);
  }
  context.faults.reach('prepare.ready');
  const head = run.kind === 'pr_review' ? { headCommit: start.commit } : {};
  return { place, baseBranch: start.base.branch, baseCommit: start.base.commit, ...head };
}

/** The branch that the agent works on, and the first name that is tried when the work is pushed. */
export function workBranch(context: WorkerContext, run: ClaimedRun): string {
  if (run.kind === 'pr_review') return `pr-${pullRequestOf(run)}`;
  const { taskId: id, prompt, options } = run;
  return run.branch ?? firstBranch({ id, prompt, options }, context.settings.branchPrefix);
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
