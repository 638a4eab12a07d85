import { open, rename, stat, type FileHandle } from 'node:fs/promises';

/** Two files of this size at most, checked at each start of PostgreSQL: it says little while it runs. */
const largestLogBytes = 4 * 1024 * 1024;
const tailBytes = 2_000;

/** A log opened for appending, to be closed by who asked for it; `size` is what it held before. */
export type OpenLog = { readonly handle: FileHandle; readonly size: number };

/** Opens the log for appending; a large one becomes `<path>.1` first, in the place of the one before. */
export async function openLog(path: string): Promise<OpenLog> {
  const before = await stat(path).catch(() => undefined);
  if (before !== undefined && before.size > largestLogBytes) await rename(path, `${path}.1`);
  const handle = await open(path, 'a', 0o600);
  return { handle, size: (await handle.stat()).size };
}

/** The end of what the log got since it held `from` bytes: what one start had to say. */
export async function readTail(path: string, from: number): Promise<string> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return '(nothing)';
  try {
    const { size } = await handle.stat();
    const start = Math.max(from, size - tailBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - start)), 0, null, start);
    return buffer.toString('utf8', 0, bytesRead).trim() || '(nothing)';
  } finally {
    await handle.close();
  }
}
