import { setTimeout as delay } from 'node:timers/promises';

import { diskUsage, freeBytes } from '../lib/disk-usage.ts';
import type { ProcessIdentity } from '../lib/process-identity.ts';
import { descendantsOf, memoryOf } from '../lib/process-tree.ts';
import { setTimeoutLong, type AgentClock, type LongTimer } from './agent-clock.ts';
import type { ExitReason, SupervisorLimits } from './protocol.ts';

/** Says that the sandbox has to end, and why. */
export type EndSandbox = (reason: ExitReason, detail: string) => void;

const mebibyte = 1024 * 1024;
const processesEveryMs = 500;
const freeSpaceEveryMs = 500;
const firstWalkAfterMs = 1000;
/** A walk takes at most a fiftieth of the time, so that a large tree does not cost the agent its processor. */
const walkShare = 50;
const shortestWalkPauseMs = 2000;
const longestWalkPauseMs = 120_000;
/** Below this the host itself is in danger, whoever filled the disk. */
const leastFreeBytes = 128 * mebibyte;

/** Ends the sandbox when its whole time is over. Returns what ends the watch. */
export function watchTime({ timeMs }: SupervisorLimits, clock: AgentClock, end: EndSandbox): () => void {
  return clock.at(clock.now() + timeMs, () => end('time_limit', `It ran for ${seconds(timeMs)}.`));
}

/** Ends the sandbox after a silence. `lastOutputAt` is on the agent's clock. */
export function watchSilence(
  { silenceMs }: SupervisorLimits,
  clock: AgentClock,
  lastOutputAt: () => number,
  end: EndSandbox,
): () => void {
  let stop: (() => void) | undefined;
  const look = (): void => {
    const until = lastOutputAt() + silenceMs;
    if (until <= clock.now()) end('silence_limit', `It wrote nothing for ${seconds(silenceMs)}.`);
    else stop = clock.at(until, look);
  };
  look();
  return () => stop?.();
}

/**
 * For a sandbox without a control group: looks at the processes below `pid` every half second, tells
 * `onSeen` of them, and ends the sandbox when together they hold too much memory.
 */
export function watchProcesses(
  pid: number,
  { memoryBytes }: SupervisorLimits,
  onSeen: (processes: readonly ProcessIdentity[]) => void,
  end: EndSandbox,
): () => void {
  const timer = setInterval(() => {
    const processes = descendantsOf(pid);
    onSeen(processes);
    const bytes = memoryOf(processes, memoryBytes);
    if (bytes > memoryBytes) end('memory_limit', `It held ${megabytes(bytes)} of ${megabytes(memoryBytes)}.`);
  }, processesEveryMs);
  return () => clearInterval(timer);
}

/**
 * Measures the folders by walking them, rarely, and asks the disk for its free space often, which costs
 * nothing: when half of what was left at the last walk has gone from the disk, it walks again at once.
 */
export async function watchDisk(
  limits: SupervisorLimits,
  end: EndSandbox,
  signal: AbortSignal,
): Promise<void> {
  const disk = limits.diskFolders[0];
  if (disk === undefined) return;
  let pauseMs = firstWalkAfterMs;
  let walkedAt = performance.now();
  let room = limits.diskBytes;
  let freeThen = freeBytes(disk) ?? Infinity;
  while (!signal.aborted) {
    await delay(freeSpaceEveryMs, undefined, { signal });
    const free = freeBytes(disk) ?? Infinity;
    if (free < leastFreeBytes) end('disk_limit', `Only ${megabytes(free)} are left on the disk of ${disk}.`);
    const due = performance.now() - walkedAt >= pauseMs;
    if (!due && freeThen - free < room / 2) continue;
    const startedAt = performance.now();
    const { bytes, tooDeep } = await diskUsage(limits.diskFolders, { limit: limits.diskBytes }, signal);
    walkedAt = performance.now();
    pauseMs = Math.min(longestWalkPauseMs, Math.max(shortestWalkPauseMs, (walkedAt - startedAt) * walkShare));
    room = limits.diskBytes - bytes;
    freeThen = free;
    if (tooDeep) end('disk_limit', 'Its folders are nested too deep to be measured.');
    if (room < 0) end('disk_limit', `Its files took more than ${megabytes(limits.diskBytes)}.`);
  }
}

/** Ends the sandbox when nobody has been connected for too long. `look` is to be called at every change. */
export function watchAttendance(
  { unattendedMs }: SupervisorLimits,
  attended: () => boolean,
  end: EndSandbox,
): { readonly look: () => void; readonly stop: () => void } {
  let timer: LongTimer | undefined;
  const look = (): void => {
    if (attended()) {
      timer?.stop();
      timer = undefined;
    } else {
      timer ??= setTimeoutLong(
        () => end('unattended', `Nobody watched over it for ${seconds(unattendedMs)}.`),
        unattendedMs,
      );
    }
  };
  look();
  return { look, stop: () => timer?.stop() };
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`;
}
