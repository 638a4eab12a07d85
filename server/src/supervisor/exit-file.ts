import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { reserveFile, writeFileDurably } from '../lib/durable-file.ts';
import { exitFile, type ExitRecord } from './protocol.ts';
import type { Spool } from './spool.ts';

/** More than any record needs; its detail is cut to fit. */
const reserveBytes = 4096;
const detailCharacters = 1000;
const patienceMs = 30_000;

const reservePath = (folder: string): string => join(folder, `${exitFile}.reserve`);

/** Sets disk space aside for the record, so that an agent that fills the disk cannot keep its end from being known. */
export async function reserveExit(folder: string): Promise<void> {
  await reserveFile(reservePath(folder), reserveBytes).catch(() => {});
}

/**
 * Writes down how it ended, durably. On a full disk it writes over its reserve, then gives up the spool of
 * errors, then waits for space. Rejects with the file system's error after half a minute of that.
 */
export async function recordExit(folder: string, exit: ExitRecord, errors: Spool | undefined): Promise<void> {
  const record = { ...exit, detail: exit.detail.slice(0, detailCharacters) };
  const content = `${JSON.stringify(record)}\n`;
  const until = performance.now() + patienceMs;
  for (let tries = 0; ; tries += 1) {
    const reserve = reservePath(folder);
    try {
      writeFileDurably(join(folder, exitFile), content, existsSync(reserve) ? reserve : undefined);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      if (tries === 0) await errors?.empty();
      else await delay(100);
    }
  }
}
