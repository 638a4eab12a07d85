import { setTimeout } from 'node:timers/promises';

import { controlGroupProcesses, killControlGroups } from './control-group.ts';
import { identifyProcess, isSameProcess, type ProcessIdentity } from './process-identity.ts';
import { childrenOf, descendantsOf, processGroupOf } from './process-tree.ts';

/** A living launch, as far as ending it goes. */
export type EndableLaunch = {
  readonly pid: number;
  readonly insidePid: () => number | undefined;
  readonly controlGroups: readonly string[];
  /** Processes seen earlier among the descendants: one that forked twice is no descendant any more. */
  readonly seen?: readonly ProcessIdentity[];
};

/**
 * Ends a launch and everything that belongs to it with SIGKILL, and waits until it is gone: the spawned
 * process (whose end takes its PID namespace along), its process group, its control groups, and all
 * descendants known before. Also right for a launch whose first process has ended by itself.
 *
 * Resolves with the numbers of the processes still alive after `patienceMs`, normally none (a process in
 * an uninterruptible system call outlives SIGKILL until that returns).
 */
export async function endLaunch(launch: EndableLaunch, patienceMs: number): Promise<readonly number[]> {
  const known = new Map<number, ProcessIdentity>();
  const remember = (identity: ProcessIdentity | undefined): void => {
    if (identity !== undefined) known.set(identity.pid, identity);
  };
  for (const identity of launch.seen ?? []) remember(identity);
  remember(identifyProcess(launch.pid));
  const inside = launch.insidePid();
  if (inside !== undefined) remember(identifyProcess(inside));
  const until = performance.now() + patienceMs;
  // Before anything is killed: what loses its parent is found no more.
  descendantsOf(launch.pid).forEach(remember);
  // Once: the kernel signals a whole group at one blow, and later its number may be somebody else's.
  signalQuietly(-launch.pid, 'SIGKILL');
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    for (const root of known.values()) {
      if (isSameProcess(root)) descendantsOf(root.pid).forEach(remember);
    }
    killControlGroups(launch.controlGroups);
    const alive = [...known.values()].filter(isSameProcess);
    for (const { pid } of alive) signalQuietly(pid, 'SIGKILL');
    const left = new Set([...alive.map(({ pid }) => pid), ...controlGroupProcesses(launch.controlGroups)]);
    if (left.size === 0 || performance.now() >= until) return [...left];
    await setTimeout(pauseMs);
  }
}

/**
 * Asks the command itself to end, with a signal to its process group: inside a sandbox the group of the
 * processes below the namespace's first (which, like any such process, ignores it), else the spawned one's.
 */
export function signalLaunch(launch: EndableLaunch, signal: NodeJS.Signals): void {
  const inside = launch.insidePid();
  if (inside === undefined) {
    signalQuietly(-launch.pid, signal);
    return;
  }
  const groups = new Set(childrenOf(inside).map(processGroupOf));
  for (const group of groups) if (group !== undefined) signalQuietly(-group, signal);
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone, or not ours to signal: the loop that calls looks again.
  }
}
