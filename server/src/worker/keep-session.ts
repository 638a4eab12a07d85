import { createReadStream } from 'node:fs';
import { rm, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunFailure } from '../domain/failure.ts';
import type { Place } from '../executors/executor.ts';
import { runInSandbox } from '../executors/run-in-sandbox.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { KeptSession } from '../store/finish-run.ts';
import { withPatience } from '../store/patience.ts';
import { readRunSession } from '../store/run-session.ts';
import { agentOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { workspaceFolder } from './workspace-folders.ts';

/** A conversation of hundreds of turns is a few megabytes. A larger one stays on this host alone. */
const sessionBytes = 64 * 1024 * 1024;
const timeoutMs = 60_000;

/** Inside, by the sandbox's own user: the home is the agent's, and may hold links to anywhere. */
const packScript =
  'cd "$HOME" && for name do [ -d "$name" ] && set -- "$@" "$name"; shift; done; [ $# -gt 0 ] && exec tar -cf - -- "$@"; exit 0';
const unpackScript = 'cd "$HOME" && exec tar -xf - --no-same-owner';

/**
 * Packs the conversation of the run's agent into a blob, so that its session can go on where this disk is
 * not. A conversation that cannot be packed is kept by its id alone.
 */
export async function keepSession(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<KeptSession | undefined> {
  const { sessionFolders } = agentOf(context, run).abilities;
  if (sessionFolders.length === 0) return undefined;
  const session = await withPatience(signal, () => readRunSession(context.database, run.runId));
  if (session === undefined) return undefined;
  const archive = join(context.folders.scratch, `session-${run.runId}.tar`);
  try {
    const done = await runInSandbox(
      context.executor,
      placeOf(context, run),
      { argv: ['/bin/sh', '-c', packScript, 'slipway-session', ...sessionFolders], env: {}, brief: true },
      {
        limits: context.settings.sandbox,
        timeoutMs,
        maxOutputBytes: sessionBytes,
        stdoutFile: archive,
        signal,
      },
    );
    if (done.code !== 0 || done.truncated || done.timedOut) {
      context.logger.warn({ runId: run.runId, code: done.code }, 'a conversation could not be packed');
      return { id: session, agent: run.agent, files: undefined };
    }
    const files = await context.blobs.put(context.ids.ordered(), createReadStream(archive));
    context.faults.reach('session.kept');
    return { id: session, agent: run.agent, files: files.bytes === 0 ? undefined : files };
  } finally {
    await rm(archive, { force: true });
  }
}

/** Unpacks the conversation into a home that was made anew. Throws RunFailure where that fails. */
export async function restoreSession(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<void> {
  if (run.sessionBlobId === null) return;
  const done = await runInSandbox(
    context.executor,
    placeOf(context, run),
    { argv: ['/bin/sh', '-c', unpackScript, 'slipway-session'], env: {}, brief: true },
    {
      limits: context.settings.sandbox,
      timeoutMs,
      input: await readFile(context.blobs.path(run.sessionBlobId)),
      maxOutputBytes: 65_536,
      signal,
    },
  );
  if (done.code === 0) {
    context.faults.reach('session.restored');
    return;
  }
  throw new RunFailure({
    code: 'workspace_broken',
    phase: 'prepare',
    retryable: true,
    message: `clone failed: the agent's conversation could not be restored: ${done.stderr.trim().slice(-500)}`,
  });
}

function placeOf(context: WorkerContext, run: ClaimedRun): Place {
  return context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
}
