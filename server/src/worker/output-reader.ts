import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { outputFile } from '../supervisor/protocol.ts';

/** Complete lines of the spool and the offset behind the last of them. */
export type SpoolLines = { readonly lines: readonly string[]; readonly from: number; readonly to: number };

const chunkBytes = 512 * 1024;
const newline = 0x0a;

/**
 * Reads an agent's spool in batches of complete lines. A line may be as long as the spool may be. Invalid
 * UTF-8 becomes U+FFFD, as a browser would show it.
 */
export type SpoolReader = {
  /** The next complete lines, or undefined where there is none yet. With `last`, the rest counts as a line. */
  readonly next: (last: boolean) => Promise<SpoolLines | undefined>;
  readonly close: () => Promise<void>;
};

/**
 * Reads from the beginning. `recordedTo`, the end of an earlier batch, ends a batch again: what was recorded
 * and what was not never come in one.
 */
export function openSpool(folder: string, recordedTo: number): SpoolReader {
  let file: FileHandle | undefined;
  let position = 0;
  let pending: Buffer[] = [];
  let consumed = 0;
  const buffer = Buffer.allocUnsafe(chunkBytes);

  /** Everything up to the last end of a line in what can be read; undefined where no line ends. */
  const readLines = async (): Promise<Buffer | undefined> => {
    file ??= await openIfThere(join(folder, outputFile));
    if (file === undefined) return undefined;
    for (;;) {
      const wanted = position < recordedTo ? Math.min(chunkBytes, recordedTo - position) : chunkBytes;
      const { bytesRead } = await file.read(buffer, 0, wanted, position);
      if (bytesRead === 0) return undefined;
      position += bytesRead;
      // A copy: who writes dots without an end of line would otherwise keep half a megabyte for each.
      const chunk = Buffer.from(buffer.subarray(0, bytesRead));
      const end = chunk.lastIndexOf(newline);
      if (end === -1) {
        pending.push(chunk);
        continue;
      }
      const lines = Buffer.concat([...pending, chunk.subarray(0, end + 1)]);
      pending = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
      return lines;
    }
  };

  const take = (bytes: Buffer): SpoolLines => {
    const from = consumed;
    consumed += bytes.length;
    const text = bytes.toString('utf8');
    const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
    return {
      lines: lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)),
      from,
      to: consumed,
    };
  };

  return {
    async next(last) {
      const bytes = await readLines();
      if (bytes !== undefined) return take(bytes);
      if (!last || pending.length === 0) return undefined;
      const rest = Buffer.concat(pending);
      pending = [];
      return take(rest);
    },
    close: async () => file?.close(),
  };
}

/** Everything in the spool of an agent that has ended, from the beginning. */
export async function* readSpool(folder: string): AsyncGenerator<SpoolLines, void, void> {
  const spool = openSpool(folder, 0);
  try {
    for (let batch = await spool.next(true); batch !== undefined; batch = await spool.next(true)) yield batch;
  } finally {
    await spool.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
