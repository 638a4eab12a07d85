import {
  chmod,
  chown,
  lchown,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setUpUid } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { Cluster } from './cluster-processes.ts';
import { folderError, refuseClosedFolder, syncFolder } from './folders.ts';
import { PostgresError } from './postgres-error.ts';
import { runProgram } from './run-program.ts';
import type { Logger } from '../lib/logger.ts';

/** The one user of the cluster, and the name of its database. */
export const clusterUser = 'slipway';

export type ClusterRequest = {
  readonly folder: string;
  readonly uid: number | undefined;
  readonly binaries: Binaries;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

/**
 * The cluster of a folder: the one that is there, or a new one. Throws a PostgresError when what is there
 * is of another major version, no cluster, or someone else's.
 */
export async function openCluster(request: ClusterRequest): Promise<Cluster> {
  const { folder, uid } = request;
  const cluster = { folder, uid };
  if (uid !== undefined) await refuseClosedFolder(dirname(folder), uid);
  try {
    await removeDrafts(folder);
    const found = await stat(folder).catch(undefinedIfAbsent);
    if (found !== undefined) await checkOwner(cluster, found);
    if (found === undefined || (await readdir(folder)).length === 0) await createCluster(request);
    else await checkVersion(folder, request.binaries);
    return cluster;
  } catch (error) {
    throw folderError(folder, error);
  }
}

function undefinedIfAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function checkVersion(folder: string, binaries: Binaries): Promise<void> {
  const found = (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (found === '') {
    throw new PostgresError(`${folder} holds files but no PostgreSQL data. Move it away and start again.`);
  }
  if (found === String(binaries.major)) return;
  throw new PostgresError(
    `The data in ${folder} is of PostgreSQL ${found}, this version of Slipway brings ${binaries.major} (${binaries.version}). ` +
      `Start the Slipway that brought ${found}; or move the data with a PostgreSQL of your own (pg_upgrade, or ` +
      'pg_dump and pg_restore) and set DATABASE_URL to it.',
  );
}

/** PostgreSQL starts only over data that its own user owns and no one else reads. */
async function checkOwner(cluster: Cluster, found: Stats): Promise<void> {
  const { folder, uid } = cluster;
  if (uid === undefined && found.uid !== process.geteuid?.()) {
    throw new PostgresError(
      `The data in ${folder} belongs to user ${found.uid}. Start the server as that user or as root, ` +
        'or choose another data folder (SLIPWAY_DATA_DIR).',
    );
  }
  // A restored backup may have lost its owner.
  if (uid !== undefined && found.uid !== uid) await giveTree(folder, uid);
  if ((found.mode & 0o777) !== 0o700) await chmod(folder, 0o700);
}

/** Built aside and renamed when it is whole: a kill at any moment leaves no half-made cluster. */
async function createCluster(request: ClusterRequest): Promise<void> {
  const { folder, uid, binaries, signal, logger } = request;
  const draft = await mkdtemp(`${folder}.new-`);
  try {
    const maker = uid === undefined ? undefined : setUpUid;
    if (maker !== undefined) await chown(draft, maker, maker);
    const result = await runProgram({
      file: join(binaries.folder, 'bin', 'initdb'),
      args: initdbArguments(draft),
      uid: maker,
      timeoutMs: 300_000,
      signal,
    });
    if (result.code !== 0) throw new PostgresError(setUpMessage(folder, result.output), { cause: result });
    if (uid !== undefined) await giveTree(draft, uid);
    await writeAccessRules(draft, uid);
    await rename(draft, folder);
    await syncFolder(dirname(folder));
    logger.info({ folder, version: binaries.version }, 'Created the PostgreSQL cluster.');
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function initdbArguments(folder: string): readonly string[] {
  // Sorts by code point, knows the case of all letters, and does not change with the host's C library.
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  return ['-D', folder, '-U', clusterUser, '-A', 'trust', '-E', 'UTF8', '--no-instructions', ...locale];
}

function setUpMessage(folder: string, output: string): string {
  const hint = output.includes('user ID')
    ? ' initdb needs a user with a name: add a line for it to /etc/passwd.'
    : ' Mend that, or set DATABASE_URL.';
  return `PostgreSQL could not set up its data in ${folder}: ${output.slice(-2000)}${hint}`;
}

/** What a killed set-up left. A stray initdb may still write there: then the next start tries again. */
async function removeDrafts(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(`${basename(folder)}.new-`)) continue;
    await rm(join(dirname(folder), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Whoever reaches the socket is trusted: its folder lets only PostgreSQL's user (and root) in. */
async function writeAccessRules(folder: string, uid: number | undefined): Promise<void> {
  const path = join(folder, 'pg_hba.conf');
  await rm(path);
  await writeFile(path, `local all ${clusterUser} trust\n`, { flag: 'wx', mode: 0o600 });
  if (uid !== undefined) await lchown(path, uid, uid);
}

/**
 * From the top down, each folder before its entries: then nobody but the new owner can exchange an entry
 * for a link to somewhere else between being seen and being given away.
 */
async function giveTree(folder: string, uid: number): Promise<void> {
  await lchown(folder, uid, uid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveTree(path, uid);
    else await lchown(path, uid, uid);
  }
}
