import { readdirSync, readFileSync } from 'node:fs';

import { identifyProcess, type ProcessIdentity } from './process-identity.ts';

/**
 * All living descendants of a process, itself not included, as the kernel's `children` lists name them
 * (Linux only; elsewhere, or when the process is gone, nothing). A snapshot: what forks meanwhile may be missing.
 */
export function descendantsOf(pid: number): readonly ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  const seen = new Set<number>([pid]);
  const waiting = [pid];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of childrenOf(next)) {
      if (seen.has(child)) continue;
      seen.add(child);
      waiting.push(child);
      const identity = identifyProcess(child);
      if (identity !== undefined) found.push(identity);
    }
  }
  return found;
}

/** The direct children of a process, those of its threads included; empty when it is gone. */
export function childrenOf(pid: number): readonly number[] {
  const children: number[] = [];
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const list = readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1');
      for (const child of list.split(' ')) if (child !== '') children.push(Number(child));
    }
  } catch {
    // The process or one of its threads ended while we read.
  }
  return children;
}

/** The process group that a living process belongs to, or undefined. */
export function processGroupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name stands in parentheses and may contain anything: the fields begin behind the last one.
    const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
    return Number.isInteger(group) && group > 0 ? group : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What the processes hold of their own in memory, in bytes: anonymous and shared memory, no file pages.
 * The first figure is cheap and counts a page once for every process that maps it; only when that exceeds
 * `limit` are the shares asked for, which costs the kernel a walk over the page tables. So a program that
 * forks with much memory is not mistaken for one that eats it.
 */
export function memoryOf(processes: readonly ProcessIdentity[], limit: number): number {
  let resident = 0;
  for (const { pid } of processes) resident += residentBytes(pid);
  if (resident <= limit) return resident;
  let shared = 0;
  for (const { pid } of processes) shared += shareBytes(pid) ?? residentBytes(pid);
  return shared;
}

function residentBytes(pid: number): number {
  return sumKilobytes(`/proc/${pid}/status`, /^Rss(?:Anon|Shmem):\s*(\d+) kB$/gm) ?? 0;
}

function shareBytes(pid: number): number | undefined {
  return sumKilobytes(`/proc/${pid}/smaps_rollup`, /^Pss_(?:Anon|Shmem):\s*(\d+) kB$/gm);
}

function sumKilobytes(path: string, pattern: RegExp): number | undefined {
  try {
    let sum: number | undefined;
    for (const match of readFileSync(path, 'latin1').matchAll(pattern))
      sum = (sum ?? 0) + Number(match[1]) * 1024;
    return sum;
  } catch {
    return undefined;
  }
}
