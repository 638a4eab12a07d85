import { join } from 'node:path';
import { chooseUid } from './account.ts';
import { locateBinaries, prepareBinaries, removeOldCopies } from './binaries.ts';
import { endClusterProcesses } from './cluster-processes.ts';
import { clusterUser, openCluster } from './cluster.ts';
import { folderError, openFolder, openSocketFolder, refuseClosedFolder, socketPort } from './folders.ts';
import {
  adoptPostmaster,
  endPostmaster,
  startPostmaster,
  type Postmaster,
  type PostmasterSetup,
} from './postmaster.ts';
import type { Connection } from './probe.ts';
import { supervisePostmaster } from './supervision.ts';
import { lockFolder, type FolderLock } from '../lib/folder-lock.ts';
import type { Logger } from '../lib/logger.ts';

export type EmbeddedPostgres = {
  /** What `pg` needs to connect, unchanged over restarts. No password, no TLS: a socket in a closed folder. */
  readonly connection: Connection;
  /** Ends the supervision and the server (fast shutdown, no process left) and gives the data folder free. May be repeated. */
  readonly stop: () => Promise<void>;
};

export type EmbeddedPostgresOptions = {
  /** The server's data folder: holds `postgres/`, `postgres.log`, the lock and, where needed, the copied binaries. */
  readonly dataFolder: string;
  /** A short folder for unix sockets; the socket lies in its `postgres/`. The same at each start, or no server is adopted. */
  readonly socketFolder: string;
  readonly logger: Logger;
  /** Ends a start that is under way, and later the supervision; the running server is ended by `stop` alone. */
  readonly signal: AbortSignal;
  /** The folder of `bin`, `lib` and `share`, if it is not the installed package's. */
  readonly binariesFolder?: string;
};

/**
 * Gives the server its own PostgreSQL: the one that already runs over this data folder, or a new process
 * over the cluster there, which is created at the first start (about a second). Restarts it when it dies.
 *
 * Throws a PostgresError that says what to do (no binaries for the platform, data of another version, a
 * folder that cannot be written or reached, a start that failed) and an Error that names the process when
 * another server has the data folder.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger, signal } = options;
  signal.throwIfAborted();
  const installed = options.binariesFolder ?? locateBinaries(process.platform, process.arch);
  const dataFolder = await openFolder(options.dataFolder);
  const lock = await lockDataFolder(dataFolder);
  try {
    const setup = await prepare({ ...options, dataFolder, binariesFolder: installed });
    const first = await adoptOrStart(setup, dataFolder, signal);
    const supervision = new AbortController();
    const watching = supervisePostmaster({
      first,
      restart: (restartSignal) => startPostmaster(setup, restartSignal),
      logger,
      signal: AbortSignal.any([signal, supervision.signal]),
    });
    const end = async (): Promise<void> => {
      supervision.abort();
      try {
        const last = await watching;
        if (last === undefined) await endClusterProcesses(setup.cluster, AbortSignal.timeout(10_000));
        else await endPostmaster(setup.cluster, last.identity);
      } finally {
        await lock.release();
      }
    };
    let ending: Promise<void> | undefined;
    return { connection: setup.connection, stop: () => (ending ??= end()) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function lockDataFolder(dataFolder: string): Promise<FolderLock> {
  try {
    return await lockFolder(dataFolder, 'server');
  } catch (error) {
    throw folderError(dataFolder, error);
  }
}

async function prepare(
  options: EmbeddedPostgresOptions & { readonly binariesFolder: string },
): Promise<PostmasterSetup> {
  const { dataFolder, binariesFolder: installed, logger, signal } = options;
  const folder = join(dataFolder, 'postgres');
  const uid = await chooseUid(folder);
  if (uid !== undefined) await refuseClosedFolder(dataFolder, uid);
  const host = await openSocketFolder(options.socketFolder, uid);
  const binaries = await prepareBinaries({ installed, dataFolder, uid, logger, signal });
  const cluster = await openCluster({ folder, uid, binaries, logger, signal });
  const connection = { host, port: socketPort, user: clusterUser, database: clusterUser };
  return { cluster, binaries, connection, logFile: join(dataFolder, 'postgres.log'), logger };
}

async function adoptOrStart(
  setup: PostmasterSetup,
  dataFolder: string,
  signal: AbortSignal,
): Promise<Postmaster> {
  const adopted = await adoptPostmaster(setup, signal);
  if (adopted !== undefined) {
    setup.logger.info({ pid: adopted.identity.pid }, 'Adopted the PostgreSQL that was running.');
    return adopted;
  }
  const began = performance.now();
  const started = await startPostmaster(setup, signal);
  await removeOldCopies(dataFolder, setup.binaries);
  const { pid } = started.identity;
  setup.logger.info(
    { pid, version: setup.binaries.version, tookMs: Math.round(performance.now() - began) },
    'Started PostgreSQL.',
  );
  return started;
}
