import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { isUnchangedFor } from '../lib/file-age.ts';
import { isUuid } from '../lib/ids.ts';
import type { Database } from './database.ts';

export type BlobSweep = {
  readonly database: Database;
  /** The folder of `createBlobFolder`. */
  readonly folder: string;
  readonly clock: Clock;
};

const dayMs = 24 * 60 * 60_000;
const partSuffix = '.part';

/**
 * Removes the files that no row came to name within a day, whole ones and parts: a process died between
 * writing a blob and recording it. Whatever is not named and placed like a blob is left alone, links too.
 * Processes on several hosts may sweep a shared folder at once. Returns how many files it removed.
 */
export async function sweepBlobs(
  sweep: BlobSweep,
  signal: AbortSignal,
): Promise<{ readonly removed: number }> {
  let removed = 0;
  for (const entry of await readdir(sweep.folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || !/^[0-9a-f]{2}$/u.test(entry.name)) continue;
    signal.throwIfAborted();
    removed += await sweepShelf(sweep, entry.name);
  }
  return { removed };
}

/** One of the 256 folders. */
async function sweepShelf(sweep: BlobSweep, shelf: string): Promise<number> {
  const folder = join(sweep.folder, shelf);
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const id = idOf(entry.name);
    if (!entry.isFile() || !isUuid(id) || !id.endsWith(shelf)) continue;
    if (await isUnchangedFor(join(folder, entry.name), dayMs, sweep.clock)) names.push(entry.name);
  }
  const known = await findKnown(sweep.database, [...new Set(names.map(idOf))]);
  const unknown = names.filter((name) => name.endsWith(partSuffix) || !known.has(name));
  for (const name of unknown) await unlink(join(folder, name)).catch(ignoreGone);
  return unknown.length;
}

function idOf(name: string): string {
  return name.endsWith(partSuffix) ? name.slice(0, -partSuffix.length) : name;
}

async function findKnown(database: Database, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await database.statement<{ id: string }>(
    { name: 'find-known-blobs', text: 'select id from blobs where id = any($1::uuid[])' },
    [ids],
  );
  return new Set(rows.map((row) => row.id));
}

/** Another host that shares the folder may have been faster. */
function ignoreGone(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}
