import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tryExclusiveLock } from '../lib/exclusive-lock.ts';
import type { Git } from './git.ts';
import { folderBytes } from './mirror-fetch.ts';
import { keptRefs } from './mirror-keep.ts';
import { usedFile } from './mirror-refresh.ts';
import { busyFile, repairMirror } from './mirror-repair.ts';

type Trim = {
  readonly git: Git;
  readonly folder: string;
  readonly maxBytes: number;
  readonly graceMs: number;
  readonly signal: AbortSignal;
};

/** Each fetch that brings something adds a pack, and git looks through them one by one. */
const maxPacks = 40;

/** The lock of a mirror lies beside it, so that it stays when the mirror goes. */
export function lockPath(mirror: string): string {
  return `${mirror}.lock`;
}

/** See `Mirrors.trim`. A mirror that somebody has the lock of is left alone. */
export async function trimMirrors(trim: Trim): Promise<void> {
  if (!existsSync(trim.folder)) return;
  const names = await readdir(trim.folder);
  await removeLeftovers(trim, names);
  const mirrors = [];
  for (const name of names.filter((name) => name.endsWith('.git'))) {
    trim.signal.throwIfAborted();
    const mirror = join(trim.folder, name);
    await repackIfNeeded(trim, mirror);
    mirrors.push({ mirror, bytes: await mirrorBytes(mirror), usedAt: await usedAt(mirror) });
  }
  let total = mirrors.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { mirror, bytes } of mirrors.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (total <= trim.maxBytes) return;
    if (await removeUnused(trim, mirror)) total -= bytes;
  }
}

async function removeLeftovers(trim: Trim, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(trim.folder, name);
    if (name.includes('.git.gone-')) await rm(path, { recursive: true, force: true });
    if (!name.endsWith('.git.new')) continue;
    using lock = tryExclusiveLock(lockPath(path.slice(0, -'.new'.length)));
    if (lock === undefined) continue;
    await repairMirror(path);
    await rm(path, { recursive: true, force: true });
  }
}

/**
 * One pack instead of many. Unreachable objects stay in it: somebody may just have resolved a branch that
 * was then force-pushed, and a clean repository reads through the mirror. They go with the mirror.
 */
async function repackIfNeeded({ git, signal }: Trim, mirror: string): Promise<void> {
  const packs = (await readdir(join(mirror, 'objects', 'pack')).catch(() => [])).filter((name) =>
    name.endsWith('.pack'),
  );
  if (packs.length <= maxPacks) return;
  using lock = tryExclusiveLock(lockPath(mirror));
  if (lock === undefined) return;
  const busy = join(mirror, busyFile);
  if (existsSync(busy)) await repairMirror(mirror);
  await writeFile(busy, '');
  const call = { cwd: mirror, signal, target: 'the mirror' };
  await git.check(['repack', '-a', '-d', '-k', '--quiet'], call);
  await git.check(['pack-refs', '--all'], call);
  await rm(busy, { force: true });
}

/** Whether it was removed: not when it was used lately, somebody works in it, or a commit is kept in it. */
async function removeUnused(trim: Trim, mirror: string): Promise<boolean> {
  using lock = tryExclusiveLock(lockPath(mirror));
  if (lock === undefined || Date.now() - (await usedAt(mirror)) < trim.graceMs) return false;
  const args = ['--git-dir', mirror, 'for-each-ref', '--count=1', keptRefs];
  const kept = await trim.git.run(args, { cwd: '/', signal: trim.signal });
  if (kept.code === 0 && kept.stdout.length > 0) return false;
  const gone = `${mirror}.gone-${randomBytes(6).toString('hex')}`;
  await rename(mirror, gone);
  await rm(gone, { recursive: true, force: true });
  return true;
}

async function mirrorBytes(mirror: string): Promise<number> {
  return (await folderBytes(join(mirror, 'objects', 'pack'))) + (await folderBytes(mirror));
}

/** Milliseconds since the epoch; 0 when it never was, or is gone. */
async function usedAt(mirror: string): Promise<number> {
  return stat(join(mirror, usedFile)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
