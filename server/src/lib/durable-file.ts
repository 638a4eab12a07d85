import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Puts a small file into place whole or not at all: written beside it, synced, renamed, and the folder
 * synced, so that it is there after a power cut once this returns. `reserve`, a file of at least the same
 * size in the same folder (see `reserveFile`), is written over and renamed: that works on a full disk.
 * Throws the file system's error.
 */
export function writeFileDurably(path: string, content: string, reserve?: string): void {
  const draft = reserve ?? `${path}.${process.pid}.new`;
  const descriptor = openSync(draft, reserve === undefined ? 'w' : 'r+', 0o600);
  try {
    const bytes = Buffer.from(content);
    for (let written = 0; written < bytes.length;) {
      written += writeSync(descriptor, bytes, written, bytes.length - written, written);
    }
    ftruncateSync(descriptor, bytes.length);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, path);
  syncFolder(dirname(path));
}

/** Makes a file of `bytes` real bytes, whose blocks the disk has given out when this resolves. */
export async function reserveFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.write(Buffer.alloc(bytes, ' '));
    await file.sync();
  } finally {
    await file.close();
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
