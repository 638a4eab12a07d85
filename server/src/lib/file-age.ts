import { lstat } from 'node:fs/promises';
import type { Clock } from './clock.ts';

/**
 * Whether a file or folder (a link itself, not what it names) has stood as it is for `milliseconds`. A
 * rename counts as a change; what happens deeper in a folder does not. False for what does not exist.
 */
export async function isUnchangedFor(path: string, milliseconds: number, clock: Clock): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found !== undefined && clock.now() - Math.max(found.mtimeMs, found.ctimeMs) >= milliseconds;
}
