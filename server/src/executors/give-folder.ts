import { lchown, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Changes under way at the same time: what Node's four file threads can take on. */
const atOnce = 16;

/**
 * Gives `folder` and everything below it to a user and the group of the same number, links themselves
 * rather than what they point to; the folder itself last, so that its new owner finds it finished. To be
 * used only before any command of that user has run there. Throws the file system's error.
 */
export async function giveFolder(folder: string, uid: number): Promise<void> {
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const paths: string[] = [];
    for (const entry of await readdir(next, { withFileTypes: true })) {
      const path = join(next, entry.name);
      paths.push(path);
      if (entry.isDirectory()) waiting.push(path);
    }
    for (let start = 0; start < paths.length; start += atOnce) {
      await Promise.all(paths.slice(start, start + atOnce).map((path) => lchown(path, uid, uid)));
    }
  }
  await lchown(folder, uid, uid);
}
