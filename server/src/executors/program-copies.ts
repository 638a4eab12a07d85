import { createHash, randomBytes } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A copy that nobody asked for in this time serves no living run: none lasts longer. */
const unusedMs = 48 * 3_600_000;
const draftPrefix = 'new-';

/**
 * Copies one program to a folder that every user can reach, once for each version of it (by path, size and
 * time of change), and returns the folder. It is written aside and renamed: two servers may do it at the
 * same time. Versions that nobody used for two days are removed. Throws the file system's error.
 */
export async function copyProgram(path: string, stateFolder: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return makeCopy({ source: path, version: `${size} ${mtimeMs}`, stateFolder }, async (draft) =>
    cp(path, join(draft, basename(path)), { dereference: true }),
  );
}

/**
 * The same for a folder with all that is in it, one copy for each `program` in it and version; undefined
 * where it holds more than the bounds allow. Links are copied as links.
 */
export async function copyFolder(
  folder: string,
  program: string,
  { stateFolder, bounds }: { readonly stateFolder: string; readonly bounds: Bounds },
): Promise<string | undefined> {
  const version = await measure(folder, bounds);
  if (version === undefined) return undefined;
  return makeCopy({ source: program, version, stateFolder }, async (draft) => {
    await cp(folder, draft, { recursive: true, verbatimSymlinks: true });
  });
}

type Bounds = { readonly bytes: number; readonly entries: number };

/** What changes when anything in the folder does, as a text; undefined beyond the bounds. */
async function measure(root: string, bounds: Bounds): Promise<string | undefined> {
  let [bytes, entries, newest] = [0, 0, 0];
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const { size, mtimeMs } = await lstat(path);
      if (entry.isDirectory()) waiting.push(path);
      else bytes += size;
      entries += 1;
      newest = Math.max(newest, mtimeMs);
      if (bytes > bounds.bytes || entries > bounds.entries) return undefined;
    }
  }
  return `${bytes} ${entries} ${newest}`;
}

async function makeCopy(
  of: { readonly source: string; readonly version: string; readonly stateFolder: string },
  fill: (draft: string) => Promise<void>,
): Promise<string> {
  const programs = join(of.stateFolder, 'programs');
  await mkdir(programs, { recursive: true, mode: 0o755 });
  await chmod(programs, 0o755);
  const source = digest(of.source);
  const copy = join(programs, `${source}-${digest(of.version)}`);
  if (!(await isUsedAgain(copy))) {
    const draft = join(programs, draftPrefix + randomBytes(8).toString('hex'));
    try {
      await mkdir(draft);
      await fill(draft);
      await openToAll(draft);
      await rename(draft, copy);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      // Somebody else was faster.
      if (!(await isUsedAgain(copy))) throw error;
    }
  }
  await removeUnused(programs, source);
  return copy;
}

/** Whether the copy is there; its time then says that it was of use. */
async function isUsedAgain(copy: string): Promise<boolean> {
  const now = new Date();
  return utimes(copy, now, now).then(
    () => true,
    () => false,
  );
}

async function openToAll(path: string): Promise<void> {
  const { mode } = await lstat(path);
  await chmod(path, (mode & 0o111) === 0 ? 0o644 : 0o755);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await openToAll(inner);
    else if (entry.isFile()) await chmod(inner, ((await lstat(inner)).mode & 0o111) === 0 ? 0o644 : 0o755);
  }
}

async function removeUnused(programs: string, source: string): Promise<void> {
  for (const name of await readdir(programs)) {
    if (!name.startsWith(`${source}-`) && !name.startsWith(draftPrefix)) continue;
    const path = join(programs, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < unusedMs) continue;
    await rm(path, { recursive: true, force: true });
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
