import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { delay } from './abort.ts';
import { tryExclusiveLock } from './exclusive-lock.ts';
import { identifyProcess, isSameProcess, type ProcessIdentity } from './process-identity.ts';

/** A folder held by this process. `release` may be repeated. */
export type FolderLock = { readonly release: () => Promise<void> };

/** How long a holder may take between the lock and its name in the file beside it. */
const nameWithinMs = 1_000;

/**
 * Takes `folder` for this process, as `what` (a word for file names and messages, such as `server`), until
 * it is released or the process ends in any way. Throws an Error that names the holder when another
 * process, or this one, has it.
 *
 * `<what>.lock` is a lock of the kernel: a dead holder needs no taking over, nobody can win twice, and
 * processes in two containers of one host exclude each other, which numbers of processes would not do.
 * `<what>.holder` says who holds it, for the message alone. Neither file is ever removed.
 */
export async function lockFolder(folder: string, what: string): Promise<FolderLock> {
  const lockFile = join(folder, `${what}.lock`);
  await createPrivately(lockFile);
  const lock = tryExclusiveLock(lockFile);
  const holderFile = join(folder, `${what}.holder`);
  if (lock === undefined) throw await refusal(folder, what, holderFile);
  try {
    const draft = `${holderFile}.new`;
    await writeFile(draft, `${JSON.stringify(identifyProcess(process.pid))}\n`);
    await rename(draft, holderFile);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
  let held = true;
  return {
    async release() {
      if (held) lock[Symbol.dispose]();
      held = false;
    },
  };
}

/**
 * Other users must not open it: a lock for reading would keep us out. Created and never opened again with
 * `fs`: closing any descriptor of a file drops all locks that the process has on it.
 */
async function createPrivately(path: string): Promise<void> {
  try {
    await writeFile(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function refusal(folder: string, what: string, holderFile: string): Promise<Error> {
  const deadline = performance.now() + nameWithinMs;
  let holder = await readHolder(holderFile);
  while (holder === undefined && performance.now() < deadline) {
    await delay(20, new AbortController().signal);
    holder = await readHolder(holderFile);
  }
  const name = holder === undefined ? 'a process that cannot be seen from here' : `process ${holder.pid}`;
  return new Error(`${folder} is in use by another ${what}: ${name}. Stop it first, or use another folder.`);
}

/** Who the file names, if that process is alive: the one before it may have died under that name. */
async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isIdentity(value) && isSameProcess(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startTime, bootId } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
  return Number.isSafeInteger(pid) && typeof startTime === 'string' && typeof bootId === 'string';
}
