import { createReadStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commitMessage } from '../domain/commit-message.ts';
import { runInSandbox } from '../executors/run-in-sandbox.ts';
import { cleanMessage, commitCommand, readCommitExit } from '../git/sandbox-scripts.ts';
import { keepLeftoverBlob, readLeftover, type Leftover } from '../store/leftovers.ts';
import type { WorkerContext, WorkerSettings } from './context.ts';

export type LeftoverKeeping = Pick<
  WorkerContext,
  'database' | 'executor' | 'blobs' | 'folders' | 'ids' | 'logger'
> & { readonly settings: Pick<WorkerSettings, 'sandbox' | 'bundleBytes' | 'commit'> };

/**
 * `nothing`: the tree holds nothing that is not kept. `impossible`: there is something that no bundle can hold,
 * since the agent damaged its repository or it is too large.
 */
export type KeptLeftover = 'kept' | 'nothing' | 'impossible';

export type KeepLeftover = (workspaceId: string, signal: AbortSignal) => Promise<KeptLeftover>;

const timeoutMs = 2 * 60_000;

/**
 * Gives what bundles the work of a run that ended badly, committed or not, before its tree goes: nothing else has it.
 * The bundle is made in the sandbox as that of finished work is, and kept as it came out; who reads it one day has
 * to check it as any other. Rejects where it cannot be stored now.
 */
export function createLeftoverKeeper(keeping: LeftoverKeeping): KeepLeftover {
  const { database, folders, blobs, ids, logger } = keeping;
  return async (workspaceId, signal) => {
    const leftover = await readLeftover(database, workspaceId);
    if (leftover === undefined || !existsSync(join(folders.workspaces, workspaceId, 'tree')))
      return 'nothing';
    const bundle = join(folders.scratch, `leftover-${workspaceId}.bundle`);
    try {
      const made = await bundleTree(keeping, { workspaceId, leftover, bundle }, signal);
      if (made !== 'kept') {
        if (made === 'impossible') logger.warn({ workspaceId }, 'what a run has left fits into no bundle');
        return made;
      }
      const blob = await blobs.put(ids.ordered(), createReadStream(bundle));
      await keepLeftoverBlob(database, { workspaceId, ownerId: leftover.ownerId, blob });
      logger.info(
        { workspaceId, bundle: blob.id },
        'what a run has left was kept before its tree is removed',
      );
      return 'kept';
    } finally {
      await rm(bundle, { force: true });
    }
  };
}

async function bundleTree(
  { executor, folders, settings }: LeftoverKeeping,
  from: { readonly workspaceId: string; readonly leftover: Leftover; readonly bundle: string },
  signal: AbortSignal,
): Promise<KeptLeftover> {
  const { workspaceId, leftover, bundle } = from;
  const place = executor.place(join(folders.workspaces, workspaceId), leftover.workspaceNumber);
  const { authorName: name, authorEmail: email } = settings.commit;
  const command = commitCommand({
    tree: place.treeInside,
    base: leftover.baseCommit,
    author: { name, email },
    snapshot: true,
  });
  const done = await runInSandbox(
    executor,
    place,
    { ...command, brief: true },
    {
      limits: settings.sandbox,
      timeoutMs,
      input: cleanMessage(commitMessage(leftover.prompt, leftover.taskId, settings.commit)),
      maxOutputBytes: settings.bundleBytes,
      stdoutFile: bundle,
      signal,
    },
  );
  if (done.code === 0 && !done.truncated) return 'kept';
  return readCommitExit(done.code) === 'unchanged' ? 'nothing' : 'impossible';
}
