import { aborted } from '../lib/abort.ts';
import { runCommand } from '../lib/child-process.ts';
import type { Logger } from '../lib/logger.ts';
import { watchFolder } from '../lib/watch-folder.ts';

/** A program that is being worked on. */
export type Source = {
  /** Where its files lie. */
  readonly folder: string;
  /** What loads all of them and ends: a change that breaks it is no reason to stop. */
  readonly trial: {
    readonly file: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
};

const trialMs = 30_000;

/**
 * Waits until the program's own source has changed and can be loaded: then true, and false when `signal` is aborted
 * before. A change that cannot be loaded is told, and the next one waited for.
 */
export async function awaitChanges(source: Source, logger: Logger, signal: AbortSignal): Promise<boolean> {
  const isSource = (path: string): boolean => /(?<!\.test)\.(?:ts|js)$/u.test(path);
  let changed = Promise.withResolvers<void>();
  using _watch = watchFolder(source.folder, isSource, () => changed.resolve());
  for (;;) {
    await Promise.race([changed.promise, aborted(signal)]);
    if (signal.aborted) return false;
    // Before the trial: what changes while it lasts needs another one.
    changed = Promise.withResolvers();
    const problem = await problemOf(source, signal);
    if (problem === undefined) return true;
    if (signal.aborted) return false;
    logger.error({ problem }, 'the changed source cannot be loaded; this server goes on as it was');
  }
}

async function problemOf({ folder, trial }: Source, signal: AbortSignal): Promise<string | undefined> {
  try {
    const done = await runCommand({
      ...trial,
      cwd: folder,
      maxOutputBytes: 4_096,
      timeoutMs: trialMs,
      signal,
    });
    if (done.code === 0) return undefined;
    return done.timedOut ? `it did not load within ${trialMs / 1_000} s` : done.stderr.trim();
  } catch (error) {
    return String(error);
  }
}
