import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/**
 * Ends every process in the control groups with SIGKILL, at once where the kernel can (`cgroup.kill`,
 * version 2), else number by number. One pass: a caller that must be sure repeats it until
 * `controlGroupProcesses` is empty. Groups that are gone are skipped.
 */
export function killControlGroups(groups: readonly string[]): void {
  // Nothing may fork while a list is read, or a fork bomb outruns it.
  for (const group of groups) tryWrite(join(group, 'pids.max'), '0');
  for (const group of groups) {
    if (tryWrite(join(group, 'cgroup.kill'), '1')) continue;
    for (const pid of processesIn(group)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Already gone.
      }
    }
  }
}

/** The numbers of the processes that live in any of the groups. */
export function controlGroupProcesses(groups: readonly string[]): readonly number[] {
  return [...new Set(groups.flatMap(processesIn))];
}

/**
 * Removes empty control groups. Returns those that still stand because something lives in them or the
 * kernel has not let go yet: ask again a little later.
 */
function removeControlGroups(groups: readonly string[]): readonly string[] {
  return groups.filter((group) => {
    try {
      rmdirSync(group);
      return false;
    } catch (error) {
      return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
    }
  });
}

const patienceMs = 2_000;

/**
 * Empties the groups and removes them. Idempotent; gives up silently after two seconds on what cannot be
 * removed (a process in an uninterruptible call), which a later sweep takes.
 */
export async function endControlGroups(groups: readonly string[]): Promise<void> {
  const until = performance.now() + patienceMs;
  let left = removeControlGroups(groups);
  // The kernel lets go of a group some milliseconds after its last process.
  for (let pauseMs = 1; left.length > 0 && performance.now() < until; pauseMs = Math.min(50, pauseMs * 2)) {
    killControlGroups(left);
    await setTimeout(pauseMs);
    left = removeControlGroups(left);
  }
}

/** How many processes of the groups the kernel ended because their memory was used up. */
export function outOfMemoryKills(groups: readonly string[]): number {
  let kills = 0;
  for (const group of groups) {
    // Version 2 says it in memory.events, version 1 in memory.oom_control; a group has one of the two, or none.
    for (const file of ['memory.events', 'memory.oom_control']) {
      const count = /^oom_kill (\d+)$/m.exec(read(join(group, file)))?.[1];
      if (count !== undefined) kills += Number(count);
    }
  }
  return kills;
}

function processesIn(group: string): readonly number[] {
  return read(join(group, 'cgroup.procs'))
    .split('\n')
    .filter((line) => /^[1-9]\d*$/.test(line))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Writes to an existing file; a file that a control group does not have is not created. */
function tryWrite(path: string, value: string): boolean {
  try {
    writeFileSync(path, value, { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}
