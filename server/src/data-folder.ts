import { createHash, randomBytes } from 'node:crypto';
import { chmod, link, lstat, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { systemIds } from './lib/ids.ts';
import { Secret } from './lib/secret.ts';

/** Where this installation keeps what; made when missing. */
export type DataFolder = {
  readonly root: string;
  readonly workspaces: string;
  readonly runs: string;
  /** On the disk of the workspaces: trees are made there, and renamed. */
  readonly scratch: string;
  readonly mirrors: string;
  readonly blobs: string;
  readonly sandbox: string;
  readonly compileCache: string;
  /** Outside the data folder, whose path may be long: the path of a unix socket ends at 107 bytes. */
  readonly sockets: string;
};

/** What the operator keeps on other disks. */
export type OtherFolders = {
  readonly blobFolder?: string | undefined;
  readonly workspaceFolder?: string | undefined;
};

const systemFolder = '/var/lib/slipway';

/**
 * The data folder where the operator names none: `data` in a clone, else the user's share. A root server
 * runs sandboxes and PostgreSQL as other users, and what lies below a 0700 folder such as /root is out of
 * their reach: then the system's folder.
 */
export async function defaultDataFolder(cloneFolder: string | undefined): Promise<string> {
  const usual =
    cloneFolder === undefined ? join(homedir(), '.local/share/slipway') : join(cloneFolder, 'data');
  if (process.getuid?.() !== 0 || (await isOpenToOthers(usual))) return usual;
  return systemFolder;
}

/** The clone that this program runs from, if it does. */
export function findClone(): string | undefined {
  const root = resolve(import.meta.dirname, '../..');
  return existsSync(join(root, 'tools/with-node')) ? root : undefined;
}

/** Whether other users could pass through every existing folder on the way. */
async function isOpenToOthers(path: string): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * Lays the folders out. Everything in them is the server's alone, but for the way to workspaces and sandbox
 * files. A link to a folder elsewhere is followed: the folder counts, by whatever path it was named.
 *
 * @throws Error when one of them belongs to another user, and the file system's errors.
 */
export async function openDataFolder(
  path: string,
  { blobFolder, workspaceFolder }: OtherFolders = {},
): Promise<DataFolder> {
  await mkdir(path, { recursive: true, mode: 0o711 });
  const root = await realpath(path);
  const disk = workspaceFolder === undefined ? root : await ownFolderBelow(workspaceFolder, root);
  const folder: DataFolder = {
    root,
    workspaces: join(disk, 'workspaces'),
    runs: join(root, 'runs'),
    scratch: join(disk, 'scratch'),
    mirrors: join(root, 'mirrors'),
    blobs: blobFolder ?? join(root, 'blobs'),
    sandbox: join(root, 'sandbox'),
    compileCache: join(root, 'compile-cache'),
    sockets: socketFolderOf(root),
  };
  // Other users pass through these to what is theirs, and can list nothing.
  for (const open of [folder.root, disk, folder.workspaces, folder.sandbox, folder.sockets]) {
    await mkdir(open, { recursive: true, mode: 0o711 });
    await refuseForeign(open);
    await chmod(open, 0o711);
  }
  for (const closed of [folder.runs, folder.scratch, folder.mirrors, folder.compileCache]) {
    await mkdir(closed, { recursive: true, mode: 0o700 });
    await chmod(closed, 0o700);
  }
  // May be the operator's own, shared with other hosts: its mode is theirs.
  await mkdir(folder.blobs, { recursive: true, mode: 0o700 });
  return folder;
}

/**
 * Our part of a folder that may be anybody's, and whose mode is theirs. It has the name of the worker: what another
 * installation keeps beside it would be swept as workspaces that nobody knows.
 */
async function ownFolderBelow(folder: string, root: string): Promise<string> {
  const name = `slipway-${await keptWorkerId({ root }, systemIds.ordered)}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o711 });
    return join(await realpath(folder), name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`SLIPWAY_WORKSPACE_DIR (--work-dir) is no folder to use: ${reason}`, { cause: error });
  }
}

/** A short folder of this user's, the same after a restart: a living supervisor is found by its socket. */
function socketFolderOf(root: string): string {
  const uid = process.getuid?.() ?? 0;
  const name = `slipway-${uid}-${createHash('sha256').update(root).digest('hex').slice(0, 10)}`;
  // As root /run, which nobody else writes to and no cleaner empties; else the temporary folder.
  return join(uid === 0 && existsSync('/run') ? '/run' : tmpdir(), name);
}

/** In a folder that all users share, somebody may have made ours before us. */
async function refuseForeign(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid)) return;
  throw new Error(
    `${path} belongs to another user; remove it, or choose another folder in SLIPWAY_DATA_DIR or SLIPWAY_WORKSPACE_DIR`,
  );
}

export const tokenFile = 'admin-token';
const keyFile = 'encryption-key';
const workerFile = 'worker-id';
export const addressFile = 'server.json';

/** A secret that is made at the first start and kept for this user alone. `made`: it is new. */
export async function keptSecret(
  folder: DataFolder,
  kind: 'token' | 'key',
): Promise<{ readonly secret: Secret; readonly made: boolean }> {
  const path = join(folder.root, kind === 'token' ? tokenFile : keyFile);
  const made = await writeOnce(path, `${randomBytes(32).toString('base64url')}\n`);
  return { secret: new Secret(await readKept(path)), made };
}

/** Who this folder is as a worker, for as long as it lives. */
export async function keptWorkerId(folder: Pick<DataFolder, 'root'>, newId: () => string): Promise<string> {
  const path = join(folder.root, workerFile);
  await writeOnce(path, `${newId()}\n`);
  return readKept(path);
}

/**
 * Makes the file, whole and on the disk, or not at all; false when it is there already. A file that appears
 * before its content would be read empty by who comes at the same moment, or after a crash: an empty token.
 */
async function writeOnce(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, content, { flag: 'wx', mode: 0o600, flush: true });
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readKept(path: string): Promise<string> {
  const text = (await readFile(path, 'utf8')).trim();
  if (text === '')
    throw new Error(`${path} is empty; restore it from a backup, or remove it to have a new one made`);
  return text;
}
