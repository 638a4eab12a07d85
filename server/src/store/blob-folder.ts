import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Where large things lie: one file a blob, named by its id, in 256 folders. */
export type BlobFolder = {
  /**
   * Writes, syncs and renames, so that a row is only ever inserted for a file that is whole. Returns what
   * the row keeps beside the id.
   */
  readonly put: (id: string, content: Buffer | Readable) => Promise<StoredBlob>;
  readonly path: (id: string) => string;
  readonly read: (id: string) => Readable;
};

export type StoredBlob = { readonly id: string; readonly sha256: string; readonly bytes: number };

export function createBlobFolder(folder: string): BlobFolder {
  // The last characters are random, the first ones of an ordered id are its time.
  const path = (id: string): string => join(folder, id.slice(-2), id);
  return {
    path,
    read: (id) => createReadStream(path(id)),
    async put(id, content) {
      const target = path(id);
      await mkdir(join(folder, id.slice(-2)), { recursive: true, mode: 0o700 });
      const aside = `${target}.part`;
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        await pipeline(
          content instanceof Readable ? content : Readable.from([content]),
          async function* (source: AsyncIterable<Buffer>) {
            for await (const chunk of source) {
              hash.update(chunk);
              bytes += chunk.length;
              yield chunk;
            }
          },
          createWriteStream(aside, { mode: 0o600 }),
        );
        await sync(aside);
        await rename(aside, target);
      } catch (error) {
        await rm(aside, { force: true });
        throw error;
      }
      return { id, sha256: hash.digest('hex'), bytes };
    },
  };
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
