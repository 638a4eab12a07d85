import { createReadStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunFailure } from '../domain/failure.ts';
import { changedFilesOf, describeChanges, type Changes } from '../git/changes.ts';
import { keptRepository, receiveBundle, releaseClean } from '../git/receive-bundle.ts';
import { readCommitExit, resultRef } from '../git/sandbox-scripts.ts';
import { parseRepositoryUrl } from '../domain/repository-url.ts';
import type { Remote } from '../git/git.ts';
import { findOrRefresh, type Mirror } from '../git/mirrors.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { Work } from '../store/finish-run.ts';
import { bundleTree } from './bundle-tree.ts';
import type { WorkerContext } from './context.ts';
import { remoteOf } from './remote-of.ts';
import { workspaceFolder } from './workspace-folders.ts';

const commitTimeoutMs = 5 * 60_000;
const patchBytes = 10 * 1024 * 1024;
const errorCharacters = 500;

/**
 * Brings the agent's work out of the sandbox: commit and bundle inside, by the sandbox's user; a fsck'd
 * fetch into a clean repository, the comparison with the base and the blobs outside. The server never runs
 * git where an agent could write. Undefined: there is no work. With `snapshot` nothing is committed in the
 * tree: the run is only put away.
 *
 * @throws GitError, RunFailure
 */
export async function collectWork(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
  snapshot = false,
): Promise<Work | undefined> {
  const base = run.baseCommit;
  if (base === null) throw new Error('a run is collected before its workspace was recorded');
  const scratch = join(context.folders.scratch, `collect-${run.runId}`);
  const bundle = `${scratch}.bundle`;
  const clean = `${scratch}.git`;
  try {
    if (!(await commitAndBundle(context, run, { base, bundle, snapshot, signal }))) return undefined;
    const mirror = await mirrorOf(context, run, signal);
    await releaseClean(clean);
    const { commit } = await receiveBundle({
      git: context.git,
      mirror,
      bundle,
      folder: clean,
      ref: resultRef,
      base,
      maxBytes: context.settings.bundleBytes,
      signal,
    });
    context.faults.reach('collect.bundled');
    const changes = await describeChanges({
      git: context.git,
      folder: clean,
      base,
      commit,
      maxPatchBytes: patchBytes,
      signal,
    });
    const [bundleBlob, patchBlob] = await Promise.all([
      context.blobs.put(context.ids.ordered(), createReadStream(bundle)),
      context.blobs.put(context.ids.ordered(), patchOf(changes)),
    ]);
    if (isPushedNext(run) && !snapshot) await keepClean(context, run, clean);
    context.faults.reach('collect.stored');
    const { filesModified, filesCreated, filesDeleted, insertions, deletions } = changes;
    return {
      commit,
      bundle: bundleBlob,
      patch: patchBlob,
      changes: { filesModified, filesCreated, filesDeleted, insertions, deletions },
      files: changedFilesOf(changes),
    };
  } finally {
    await Promise.all([releaseClean(clean), rm(bundle, { force: true })]);
  }
}

/** A patch that was cut ends with a line that says so, and that no `git apply` takes for a whole one. */
function patchOf(changes: Changes): Buffer {
  if (!changes.patchTruncated) return changes.patch;
  const mark = `\n[cut here: the patch is longer than ${patchBytes / 1024 / 1024} MiB; fetch the branch for all of it]\n`;
  return Buffer.concat([changes.patch, Buffer.from(mark)]);
}

/** What is tested first may never be pushed: the agent may go on with it. */
function isPushedNext({ publish, options }: ClaimedRun): boolean {
  return publish !== 'manual' && options.testCommand === undefined;
}

/** The push that follows on this host needs the same repository: it takes it as it is (27 ms less). */
async function keepClean(context: WorkerContext, run: ClaimedRun, clean: string): Promise<void> {
  const kept = keptRepository(context.folders.scratch, run.runId);
  await releaseClean(kept);
  await rename(clean, kept);
}

/** The mirror that the run was prepared from; refreshed only where it is gone meanwhile. */
async function mirrorOf(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<Pick<Mirror, 'folder'>> {
  const url = run.repositoryUrl;
  const { canonical } = parseRepositoryUrl(url, context.settings.repositories);
  const remote = (): Promise<Remote> => remoteOf(context, run, signal);
  return findOrRefresh(context.mirrors, { url, canonical, remote, signal });
}

type Bundling = {
  readonly base: string;
  readonly bundle: string;
  readonly snapshot: boolean;
  readonly signal: AbortSignal;
};

/** Returns false where the agent changed nothing. */
async function commitAndBundle(
  context: WorkerContext,
  run: ClaimedRun,
  { base, bundle, snapshot, signal }: Bundling,
): Promise<boolean> {
  const { settings } = context;
  const place = context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
  const done = await bundleTree(
    context,
    { place, base, work: run, bundle, snapshot, timeoutMs: commitTimeoutMs },
    signal,
  );
  if (done.truncated) {
    throw broken(
      'result_too_large',
      `it is larger than ${Math.floor(settings.bundleBytes / 1024 / 1024)} MiB; leave out generated files`,
    );
  }
  if (done.timedOut) throw broken('workspace_broken', 'git took too long in the workspace');
  const exit = readCommitExit(done.code);
  switch (exit) {
    case undefined:
      if (done.code === 0) return true;
      throw broken('workspace_broken', `git was ended by ${done.signal ?? 'a signal'} in the workspace`);
    case 'unchanged':
      return false;
    case 'broken':
      throw broken('workspace_broken', "the agent damaged the workspace's git repository");
    case 'unrelated':
      throw broken('workspace_broken', 'the agent left a history that does not begin at the base commit');
    case 'failed':
      throw broken('workspace_broken', `git said: ${done.stderr.trim().slice(-errorCharacters)}`);
    default:
      return exit satisfies never;
  }
}

function broken(code: 'workspace_broken' | 'result_too_large', why: string): RunFailure {
  return new RunFailure({
    code,
    phase: 'collect',
    retryable: false,
    message: `the work could not be collected: ${why}`,
  });
}
