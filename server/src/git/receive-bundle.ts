import { open, rm, writeFile, mkdir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diagnose, GitError } from './git-error.ts';
import type { Git } from './git.ts';
import { layOutRepository } from './layout.ts';
import type { Mirror } from './mirror-refresh.ts';

export type BundleRequest = {
  readonly git: Git;
  /** Where the base and its history are. */
  readonly mirror: Pick<Mirror, 'folder'>;
  /** A file of the server's with what the sandbox printed: hostile until proven otherwise. */
  readonly bundle: string;
  /** The clean repository to make; it must not exist. */
  readonly folder: string;
  /** The ref of the bundle that is wanted. */
  readonly ref: string;
  /** A commit that the result must descend from, or be. */
  readonly base: string;
  readonly maxBytes?: number;
  readonly signal: AbortSignal;
};

const defaultMaxBytes = 512 * 1024 * 1024;
const maxHeaderBytes = 64 * 1024;

/**
 * Takes a bundle apart into a fresh bare repository that no agent has touched and that reads the base through
 * the mirror, and gives the result's commit. Every object is checked (fsck), every object that one names
 * must exist, and the result must descend from the base; otherwise throws `GitError` `corrupt` or
 * `too_large`, and no folder is left.
 *
 * The header is read here and the pack goes to `index-pack --strict`: `git fetch` from a bundle ignores
 * `fetch.fsckObjects` before 2.46.
 */
export async function receiveBundle(request: BundleRequest): Promise<{ commit: string }> {
  const handle = await open(request.bundle, 'r');
  try {
    const maxBytes = request.maxBytes ?? defaultMaxBytes;
    if ((await handle.stat()).size > maxBytes) {
      const limit = Math.floor(maxBytes / 1024 / 1024);
      throw new GitError('too_large', `the changes are larger than ${limit} MiB: leave out generated files.`);
    }
    const { commit, packAt } = readBundleHeader(await readStart(handle), request.ref);
    await mkdir(dirname(request.folder), { recursive: true, mode: 0o700 });
    await layOutRepository(request.folder, {
      bare: true,
      head: request.ref,
      alternate: join(request.mirror.folder, 'objects'),
    });
    // The descriptor's own position moves on with reads that name none: git goes on where this one ends.
    await handle.read(Buffer.alloc(packAt), 0, packAt, null);
    await unpack(request, handle.fd);
    await refuseUnrelated(request, commit);
    await writeRef(request.folder, request.ref, commit);
    return { commit };
  } catch (error) {
    await releaseClean(request.folder);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Where the clean repository with a run's whole work stands between its collection and its push. */
export function keptRepository(scratch: string, runId: string): string {
  return join(scratch, `work-${runId}.git`);
}

/** Removes a clean repository; may be repeated. */
export async function releaseClean(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/**
 * Reads the head of a bundle (gitformat-bundle(5), version 2): which commit `ref` is, and where the pack
 * begins. Throws `GitError` `corrupt`.
 */
export function readBundleHeader(start: Buffer, ref: string): { commit: string; packAt: number } {
  const end = start.indexOf('\n\n');
  const [signature, ...lines] = start.toString('latin1', 0, Math.max(0, end)).split('\n');
  if (end === -1 || signature !== '# v2 git bundle') throw corrupt('it is not a git bundle');
  const found = lines.find((line) => line.slice(41) === ref && line[40] === ' ');
  const commit = found?.slice(0, 40);
  if (commit === undefined || !/^[0-9a-f]{40}$/u.test(commit)) throw corrupt(`it has no ${ref}`);
  return { commit, packAt: end + 2 };
}

async function readStart(handle: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(maxHeaderBytes);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
  return buffer.subarray(0, bytesRead);
}

/** A small pack may unfold to far more: no single object may, and the disk is bounded by the pack itself. */
async function unpack({ git, folder, signal, maxBytes }: BundleRequest, descriptor: number): Promise<void> {
  const limit = `--max-input-size=${maxBytes ?? defaultMaxBytes}`;
  const result = await git.run(['index-pack', '--strict', '--fix-thin', '--stdin', limit], {
    cwd: folder,
    signal,
    input: { descriptor },
    // The repository is for one delivery: nothing is lost when a crash takes it, so nothing is synced.
    config: ['core.fsync=none'],
    env: { GIT_ALLOC_LIMIT: '512m' },
  });
  if (result.code === 0) return;
  const diagnosis = diagnose(result.stderr, 'the changes');
  throw diagnosis.code === 'disk_full' ? diagnosis : corrupt(diagnosis.message);
}

async function refuseUnrelated({ git, folder, base, signal }: BundleRequest, commit: string): Promise<void> {
  const result = await git.run(['merge-base', '--is-ancestor', base, commit], { cwd: folder, signal });
  if (result.code === 0) return;
  if (result.code === 1)
    throw corrupt(`its history does not contain the commit that the work began at, ${base}`);
  throw corrupt(diagnose(result.stderr, 'the changes').message);
}

async function writeRef(folder: string, ref: string, commit: string): Promise<void> {
  await mkdir(dirname(join(folder, ref)), { recursive: true });
  await writeFile(join(folder, ref), `${commit}\n`);
}

function corrupt(problem: string): GitError {
  return new GitError('corrupt', `what came out of the sandbox cannot be used: ${problem}.`);
}
