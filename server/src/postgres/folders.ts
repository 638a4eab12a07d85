import { access, chmod, chown, constants, lstat, mkdir, open, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { firstClosedFolder } from './account.ts';
import { PostgresError } from './postgres-error.ts';

/** The kernel's limit for the path of a unix socket, without the NUL at its end. */
const longestSocketPath = process.platform === 'linux' ? 107 : 103;

export const socketPort = 5432;

/** The socket that a PostgreSQL of `socketPort` makes in `folder`. */
export function socketPath(folder: string): string {
  return join(folder, `.s.PGSQL.${socketPort}`);
}

/**
 * Makes a folder where there is none (other users may pass it when the server is root); its real path.
 * Throws a PostgresError when this user cannot make it or write in it.
 */
export async function openFolder(given: string): Promise<string> {
  const path = resolve(given);
  const mode = process.geteuid?.() === 0 ? 0o711 : 0o700;
  try {
    const first = await mkdir(path, { recursive: true, mode });
    // Once more, because the umask took its part of the mode.
    if (first !== undefined)
      for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, mode);
    await access(path, constants.W_OK);
    return await realpath(path);
  } catch (error) {
    throw folderError(path, error);
  }
}

/**
 * The folder of PostgreSQL's socket, `<socketFolder>/postgres`: 0700 and PostgreSQL's user's, which is all that
 * keeps others out, since whoever reaches the socket is trusted. Refuses a place where someone else could
 * have put, or could exchange, that folder.
 */
export async function openSocketFolder(socketFolder: string, uid: number | undefined): Promise<string> {
  const parent = await openFolder(socketFolder);
  const folder = join(parent, 'postgres');
  if (Buffer.byteLength(socketPath(folder)) > longestSocketPath) {
    throw new PostgresError(
      `The socket's path ${socketPath(folder)} is longer than ${longestSocketPath} bytes. Choose a shorter socket folder.`,
    );
  }
  const own = process.geteuid?.() ?? 0;
  const outer = await lstat(parent);
  const shared = (outer.mode & 0o022) !== 0 && (outer.mode & 0o1000) === 0;
  if (shared || ![0, own, uid].includes(outer.uid)) {
    throw new PostgresError(
      `Other users may change ${parent}, where PostgreSQL's socket would lie. Choose another socket folder.`,
    );
  }
  if (uid !== undefined) await refuseClosedFolder(parent, uid);
  await claimFolder(folder, own, uid);
  return folder;
}

async function claimFolder(folder: string, own: number, uid: number | undefined): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const found = await lstat(folder);
    if (!found.isDirectory() || (found.uid !== own && found.uid !== uid)) {
      throw new PostgresError(
        `${folder} belongs to someone else. Remove it, or choose another socket folder.`,
      );
    }
    await chmod(folder, 0o700);
    if (uid !== undefined) await chown(folder, uid, uid);
  } catch (error) {
    throw folderError(folder, error);
  }
}

/** Throws unless the user can pass every folder down to `path`. */
export async function refuseClosedFolder(path: string, uid: number): Promise<void> {
  const closed = await firstClosedFolder(path, uid);
  if (closed === undefined) return;
  throw new PostgresError(
    `PostgreSQL does not run as root but as user ${uid}, and that user cannot pass ${closed}. ` +
      `Open it with \`chmod o+x ${closed}\`, or choose a place outside (SLIPWAY_DATA_DIR=/var/lib/slipway).`,
  );
}

/** Says what to do about a folder that cannot be written; anything else comes back as it was. */
export function folderError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PostgresError(`The disk of ${path} is full. Make room there and start again.`, {
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EEXIST') {
    return new PostgresError(
      `${path} cannot be written (${code}). Make it a folder that user ${process.geteuid?.() ?? ''} may write, ` +
        'or choose another data folder (SLIPWAY_DATA_DIR).',
      { cause: error },
    );
  }
  return error;
}

/** Makes a rename or a new name in `folder` outlast a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
