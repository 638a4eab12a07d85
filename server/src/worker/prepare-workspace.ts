import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { taskBranch } from '../domain/branch-name.ts';
import { RunFailure } from '../domain/failure.ts';
import { parseRepositoryUrl } from '../domain/repository-url.ts';
import { runInSandbox } from '../executors/run-in-sandbox.ts';
import type { Place } from '../executors/executor.ts';
import type { Remote } from '../git/git.ts';
import { resolveBranch, type Mirror } from '../git/mirrors.ts';
import { checkoutCommand } from '../git/sandbox-scripts.ts';
import { createTree, type TreeRequest } from '../git/workspace.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { LeasedEffect } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import type { WorkerContext } from './context.ts';
import { discardFolder, endEarlierRuns, workspaceFolder } from './workspace-folders.ts';

export type Prepared = {
  readonly place: Place;
  readonly baseBranch: string;
  readonly baseCommit: string;
};

const checkoutTimeoutMs = 10 * 60_000;
const checkoutOutputBytes = 64 * 1024;
const errorCharacters = 500;

/** The repository with the task's own credential, under its public address. */
export async function remoteOf(
  context: Pick<WorkerContext, 'openSecret'>,
  task: Pick<ClaimedRun | LeasedEffect, 'repositoryUrl' | 'accessTokenId'>,
): Promise<Remote> {
  if (task.accessTokenId === null) return { url: task.repositoryUrl };
  const password = await context.openSecret(task.accessTokenId);
  // Every forge takes a token as the password, and ignores or accepts this user name.
  return { url: task.repositoryUrl, credential: { username: 'x-access-token', password } };
}

/** The mirror of the task's repository, refreshed with the task's own credential: nobody else's is enough. */
async function refreshMirror(
  context: Pick<WorkerContext, 'mirrors' | 'settings'>,
  remote: Remote,
  signal: AbortSignal,
): Promise<Mirror> {
  const { canonical } = parseRepositoryUrl(remote.url, context.settings.repositories);
  return context.mirrors.refresh(remote, canonical, signal);
}

/**
 * Fetch, clone, checkout. The tree's repository is laid out by the server in a folder that no agent has
 * touched; the checkout runs in the sandbox, by its user, since it may run filters that the repository
 * names. The folder appears under its name only when it is whole.
 *
 * @throws GitError, RunFailure
 */
export async function prepareWorkspace(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<Prepared> {
  const remote = await withPatience(signal, () => remoteOf(context, run));
  const mirror = await refreshMirror(context, remote, signal);
  context.faults.reach('prepare.refreshed');
  const base = resolveBranch(mirror, run.options.sourceBranch ?? run.options.targetBranch);
  const folder = workspaceFolder(context.folders, run);
  const aside = join(context.folders.scratch, `workspace-${run.runId}`);
  await discardFolder(context, aside);
  await mkdir(aside, { recursive: true, mode: 0o700 });
  const tree: TreeRequest = {
    git: context.git,
    mirror,
    tree: join(aside, 'tree'),
    branch: workBranch(context, run),
    commit: base.commit,
    base,
    originUrl: run.repositoryUrl,
    signal,
  };
  await Promise.all([
    createTree(tree).then(() =>
      context.executor.handOver(context.executor.place(aside, run.workspaceNumber)),
    ),
    context.mirrors.keep(mirror, run.workspaceId, base.commit),
    endEarlierRuns(context, run, signal).then(() => discardFolder(context, folder)),
  ]).catch(async (error: unknown) => {
    // The next attempt, if there is one, is another run: nobody would come for this one's folder.
    await discardFolder(context, aside);
    throw error;
  });
  await rename(aside, folder);
  context.faults.reach('prepare.cloned');
  const place = context.executor.place(folder, run.workspaceNumber);
  await checkOut(context, place, signal);
  context.faults.reach('prepare.ready');
  return { place, baseBranch: base.branch, baseCommit: base.commit };
}

/** The branch that the agent works on, and the first name that is tried when the work is pushed. */
export function workBranch(context: WorkerContext, run: ClaimedRun): string {
  return run.branch ?? taskBranch(context.settings.branchPrefix, run.prompt, run.taskId);
}

async function checkOut(context: WorkerContext, place: Place, signal: AbortSignal): Promise<void> {
  const done = await runInSandbox(
    context.executor,
    place,
    { ...checkoutCommand(place.treeInside), brief: true },
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
