import { lstatSync, readdirSync, statfsSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { delay } from './abort.ts';

/** How many entries are looked at before the event loop gets its turn (about 2 ms). */
const entriesPerTurn = 512;

/**
 * The bytes that the folders take up on their disk (allocated blocks, so holes count nothing and a
 * directory counts itself), walked without following links. A file with several names counts once; what
 * vanishes meanwhile is skipped.
 *
 * Stops early once more than `limit` is found. `tooDeep` says that a path is too long to be opened, which
 * only a program that hides what it writes makes. Rejects with the signal's reason when aborted. With `restMs` it
 * rests so long after each turn, for what has time.
 */
export async function diskUsage(
  folders: readonly string[],
  { limit, restMs = 0 }: { readonly limit: number; readonly restMs?: number },
  signal: AbortSignal,
): Promise<{ readonly bytes: number; readonly tooDeep: boolean }> {
  const waiting = [...folders];
  const linked = new Set<string>();
  let bytes = 0;
  let looked = 0;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const listed = list(folder);
    if (listed === 'too_deep') return { bytes, tooDeep: true };
    for (const entry of listed) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      bytes += allocatedBytes(path, linked);
      if (bytes > limit) return { bytes, tooDeep: false };
      looked += 1;
      if (looked % entriesPerTurn !== 0) continue;
      await (restMs === 0 ? setImmediate(undefined, { signal }) : delay(restMs, signal));
    }
    signal.throwIfAborted();
  }
  return { bytes, tooDeep: false };
}

/** Bytes that an ordinary user may still write to the disk that holds `path`; undefined when it cannot be asked. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** How full the disk is that holds `path`, between 0 and 1, as `df` says; undefined when it cannot be asked. */
export function diskFullness(path: string): number | undefined {
  try {
    const { blocks, bfree, bavail } = statfsSync(path);
    const used = blocks - bfree;
    return used + bavail === 0 ? undefined : used / (used + bavail);
  } catch {
    return undefined;
  }
}

function list(folder: string): readonly Dirent[] | 'too_deep' {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENAMETOOLONG' ? 'too_deep' : [];
  }
}

function allocatedBytes(path: string, linked: Set<string>): number {
  try {
    const stat = lstatSync(path);
    if (stat.nlink > 1 && !stat.isDirectory()) {
      const key = `${stat.dev}:${stat.ino}`;
      if (linked.has(key)) return 0;
      linked.add(key);
    }
    return stat.blocks * 512;
  } catch {
    return 0;
  }
}
