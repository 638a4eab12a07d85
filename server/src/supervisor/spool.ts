import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** A stream on its way into a file of the run's folder. */
export type Spool = {
  readonly bytes: () => number;
  /** Resolves when the stream ended and everything kept is written; never rejects. */
  readonly drained: Promise<void>;
  /** Makes what was written survive a power cut, and closes the file. */
  readonly close: () => Promise<void>;
  /** Gives the file's disk space back. */
  readonly empty: () => Promise<void>;
};

export type SpoolEvents = {
  /** Something arrived, kept or not. */
  readonly onBytes: () => void;
  /** More arrived than is kept. Once. */
  readonly onFull: () => void;
  /** The file could not be written; the rest of the stream is read and dropped. Once. */
  readonly onFailure: (error: unknown) => void;
};

/**
 * Writes the first `maxBytes` of a stream to the empty file at `path`, in its order and as it came. The stream is
 * read to its end in any case, so that a writer never hangs on a pipe that nobody empties, and no faster
 * than the disk takes it. Rejects when the file cannot be opened.
 */
export async function startSpool(
  stream: Readable,
  path: string,
  maxBytes: number,
  events: SpoolEvents,
): Promise<Spool> {
  const file = await open(path, 'r+');
  let bytes = 0;
  let over = false;
  let failed = false;
  const keep = async (chunk: Buffer): Promise<void> => {
    const fitting = chunk.subarray(0, maxBytes - bytes);
    try {
      bytes += await writeWhole(file, fitting, bytes);
    } catch (error) {
      failed = true;
      bytes = await sizeOf(file);
      events.onFailure(error);
    }
    events.onBytes();
    if (fitting.length === chunk.length || over) return;
    over = true;
    events.onFull();
  };
  const consume = async (): Promise<void> => {
    for await (const chunk of stream) {
      if (Buffer.isBuffer(chunk) && !over && !failed) await keep(chunk);
      else events.onBytes();
    }
  };
  return {
    bytes: () => bytes,
    // The stream fails only when we destroy it, after waiting long enough for its end.
    drained: consume().catch(() => {}),
    async close() {
      await file.sync().catch(() => {});
      await file.close();
    },
    async empty() {
      await file.truncate(0).catch(() => {});
    },
  };
}

async function writeWhole(file: FileHandle, chunk: Buffer, position: number): Promise<number> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
  return written;
}

/** What a failed write left behind counts as output: it is in the file. */
async function sizeOf(file: FileHandle): Promise<number> {
  return (await file.stat()).size;
}
