import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The files below the folders (names and targets of links too) in which one of the texts stands, read as
 * bytes. Everything is looked into, whatever its kind or size: what is searched for must be nowhere.
 */
export function filesWith(folders: readonly string[], texts: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isSymbolicLink()
        ? readlinkSync(path)
        : entry.isFile()
          ? readFileSync(path, 'latin1')
          : '';
      if (texts.some((text) => path.includes(text) || content.includes(text))) found.push(path);
    }
  }
  return found;
}

/** A text as it may stand somewhere: as it is, in base64, in hexadecimal digits. */
export function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  // Base64 cuts in threes: whatever stands before, two of three bytes in, the middle is one of these.
  const encoded = [0, 1, 2].map((cut) => bytes.subarray(cut).toString('base64').slice(0, -4));
  return [text, ...encoded, bytes.toString('hex')];
}
