import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { delay } from '../lib/abort.ts';

/** Exists while somebody writes into the mirror; found under the lock, it means that they were killed. */
export const busyFile = 'slipway-busy';

const endingMs = 5000;

/**
 * Puts right what a killed writer left in a mirror: its git processes, which may have outlived it, then
 * their lock files and half-written packs. Call it under the mirror's lock: who writes has the mirror as its
 * working directory, readers never do, so whatever still has is an orphan.
 */
export async function repairMirror(folder: string): Promise<void> {
  await endProcessesIn(folder);
  const objects = join(folder, 'objects');
  const packs = (await entries(join(objects, 'pack'))).filter((name) => /^(?:tmp_|\.tmp-)/u.test(name));
  const loose = (await entries(objects)).filter((name) => /^(?:tmp_|incoming-)/u.test(name));
  const locks = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.lock') && !name.startsWith('objects'),
  );
  const leftovers = [
    ...packs.map((name) => join(objects, 'pack', name)),
    ...loose.map((name) => join(objects, name)),
    ...locks.map((name) => join(folder, name)),
  ];
  await Promise.all(leftovers.map((path) => rm(path, { recursive: true, force: true })));
  await rm(join(folder, busyFile), { force: true });
}

async function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Off Linux there is no /proc: there git's own locks, which are then stale at worst, are all there is. */
async function endProcessesIn(folder: string): Promise<void> {
  const signal = AbortSignal.timeout(endingMs);
  for (let found = processesIn(folder); found.length > 0; found = processesIn(folder)) {
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await delay(5, signal);
  }
}

function processesIn(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  const wanted = realpathSync(folder);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && workingDirectory(pid) === wanted);
}

/** Undefined for a process that is gone (a zombie too) or somebody else's. */
function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
