import { runInSandbox, type SandboxResult } from '../executors/run-in-sandbox.ts';
import { commitMessage } from '../domain/commit-message.ts';
import type { Place } from '../executors/executor.ts';
import { cleanMessage, commitCommand } from '../git/sandbox-scripts.ts';
import type { WorkerContext, WorkerSettings } from './context.ts';

/** What of the worker bundles a tree. */
export type Bundling = Pick<WorkerContext, 'executor'> & {
  readonly settings: Pick<WorkerSettings, 'sandbox' | 'bundleBytes' | 'commit'>;
};

export type BundledTree = {
  readonly place: Place;
  /** The commit that the work began at. */
  readonly base: string;
  /** Whose message the commit of what is uncommitted gets. */
  readonly work: { readonly taskId: string; readonly prompt: string };
  /** The file that the bundle is written to. */
  readonly bundle: string;
  /** In the tree itself nothing is committed. */
  readonly snapshot: boolean;
  readonly timeoutMs: number;
};

/**
 * Commits what a tree holds and bundles it, inside, by the sandbox's user. `readCommitExit` says what the exit code
 * means. Rejects as `runInSandbox` does.
 */
export function bundleTree(
  { executor, settings }: Bundling,
  { place, base, work, bundle, snapshot, timeoutMs }: BundledTree,
  signal: AbortSignal,
): Promise<SandboxResult> {
  const { authorName: name, authorEmail: email } = settings.commit;
  const command = commitCommand({ tree: place.treeInside, base, author: { name, email }, snapshot });
  return runInSandbox(
    executor,
    place,
    { ...command, brief: true },
    {
      limits: settings.sandbox,
      timeoutMs,
      input: cleanMessage(commitMessage(work.prompt, work.taskId, settings.commit)),
      maxOutputBytes: settings.bundleBytes,
      stdoutFile: bundle,
      signal,
    },
  );
}
