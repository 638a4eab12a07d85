import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { noticesFile, type Notice } from './protocol.ts';

/** The run's file of notices, as its only writer sees it. */
export type Notices = {
  /** Writes a notice down before it returns; past the thousandth, or on a full disk, nothing happens. */
  readonly add: (notice: Notice) => void;
  /** Complete lines in the file. */
  readonly count: () => number;
  readonly close: () => void;
};

/** An agent that tries in a loop must fill neither the disk nor the task's log. */
const mostNotices = 1000;
const reasons: readonly Notice['reason'][] = ['not_allowed', 'private_address', 'not_http'];

/** `onAdded` is called after each line. The file appears with the first one. */
export function openNotices(folder: string, onAdded: () => void): Notices {
  let file: number | undefined;
  let count = 0;
  let failed = false;
  return {
    add(notice) {
      if (failed || count >= mostNotices) return;
      const line = Buffer.from(`${JSON.stringify(notice)}\n`);
      try {
        file ??= openSync(join(folder, noticesFile), 'a', 0o600);
        // After half a line another one would be lost in it: better none.
        failed = writeSync(file, line) < line.length;
      } catch {
        failed = true;
      }
      if (failed) return;
      count += 1;
      onAdded();
    },
    count: () => count,
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
      failed = true;
    },
  };
}

/**
 * The notices of a run from line `fromLine` on, which is how many have been read before; none where the file
 * is missing. One element for each complete line, so that the count stays the position: a line that says
 * nothing usable is a refusal of the host `?`. Rejects with the file system's error.
 */
export function readNotices(folder: string, fromLine: number): Promise<readonly Notice[]> {
  return Promise.resolve().then(() => {
    const lines = readText(join(folder, noticesFile)).split('\n').slice(0, -1);
    return lines.slice(fromLine).map(parseNotice);
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

function parseNotice(line: string): Notice {
  const { host, port, reason } = fieldsOf(line);
  return {
    type: 'egress_refused',
    host: typeof host === 'string' ? host : '?',
    port: typeof port === 'number' ? port : 0,
    reason: reasons.find((one) => one === reason) ?? 'not_allowed',
  };
}

function fieldsOf(line: string): Readonly<Partial<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
