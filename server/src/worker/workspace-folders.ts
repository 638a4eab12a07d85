import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { aborted, withTimeout } from '../lib/abort.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { attachSupervisor, type Attached } from '../supervisor/attach.ts';
import type { WorkerContext, WorkerFolders } from './context.ts';

type Owned = Pick<ClaimedRun, 'workspaceId' | 'runId'>;

export function workspaceFolder(folders: WorkerFolders, run: Owned): string {
  return join(folders.workspaces, run.workspaceId);
}

/** The supervisor's files of one run. */
export function runFolder(folders: WorkerFolders, run: Owned): string {
  return join(folders.runs, run.workspaceId, run.runId);
}

/** Short, since the path of a unix socket ends at 107 bytes; an id's last 12 digits are random. */
export function supervisorSocket(folders: WorkerFolders, run: Owned): string {
  return join(folders.sockets, `${run.runId.slice(-12)}.sock`);
}

/**
 * The socket of a run's way out. It lies in a folder that the sandbox's user may pass through, since
 * bubblewrap opens what it binds as that user; the socket itself is that user's alone.
 */
export function wayOutSocket(folders: Pick<WorkerFolders, 'sockets'>, run: Owned): string {
  return join(folders.sockets, `${run.runId.slice(-12)}.out`);
}

/** Moves a folder out of the way in one step and removes it behind everybody's back (20,000 files: 1.7 s). */
export async function discardFolder(context: WorkerContext, folder: string): Promise<void> {
  const aside = join(context.folders.scratch, `discarded-${context.ids.ordered()}`);
  try {
    await rename(folder, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  void rm(aside, { recursive: true, force: true }).catch((error: unknown) =>
    context.logger.warn({ error: String(error), folder: aside }, 'a discarded folder could not be removed'),
  );
}

/**
 * Ends the agents of earlier attempts that still live in this workspace on this host: a worker that lost
 * its lease may have died before it ended its own.
 */
export async function endEarlierRuns(context: WorkerContext, run: Owned, signal: AbortSignal): Promise<void> {
  const parent = join(context.folders.runs, run.workspaceId);
  const names = await readdir(parent).catch(() => [] as string[]);
  for (const name of names) {
    if (name === run.runId) continue;
    await endSupervisor(join(parent, name), 0, signal);
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** What a supervisor has beyond the grace that it gives its agent; one that is not done by then is frozen. */
const endsWithinMs = 4_500;

/**
 * Ends the sandbox of a run's folder, if one lives, and waits until nothing of it is left. The agent has
 * `graceMs` to leave by itself; a supervisor that does not answer is killed, and its sandbox with it.
 */
export async function endSupervisor(folder: string, graceMs: number, signal: AbortSignal): Promise<void> {
  const patience = withTimeout(signal, graceMs + endsWithinMs);
  for (;;) {
    const supervisor = await attachSupervisor(folder, signal);
    if (supervisor.kind !== 'attached') return;
    try {
      supervisor.stop(graceMs);
      await Promise.race([exitOf(supervisor), aborted(patience)]);
      if (patience.aborted) supervisor.kill();
    } finally {
      supervisor.close();
    }
  }
}

/** Until it tells of the end, or the connection breaks. */
async function exitOf(supervisor: Attached): Promise<void> {
  for await (const message of supervisor.messages) if (message.type === 'exit') return;
}
