import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { Pool } from 'pg';
import { findClusterProcesses, sendSignal } from '../../src/postgres/cluster-processes.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/postgres/embedded.ts';
import type { Connection } from '../../src/postgres/probe.ts';
import type { Logger } from '../../src/lib/logger.ts';

/** For the tests of this room: folders of their own, servers in them, and a record of what was logged. */
export type TestPlace = {
  readonly folder: string;
  readonly dataFolder: string;
  readonly socketFolder: string;
  readonly cluster: string;
  readonly logger: Logger;
  readonly messages: string[];
  readonly start: (more?: { binariesFolder?: string; signal?: AbortSignal }) => Promise<EmbeddedPostgres>;
  /** A pool that lives until the end of the test. */
  readonly connect: (connection: Connection) => Pool;
  /** A process that starts the server as this one would, and says so in its first line. */
  readonly launch: (more?: { uid?: number; binariesFolder?: string }) => Promise<Launched>;
  readonly postmasterPid: () => Promise<number>;
  readonly processIds: () => Promise<readonly number[]>;
};

export type Launched = { readonly child: ChildProcess; readonly first: LaunchedLine };

export type LaunchedLine = { readonly connection?: Connection; readonly error?: string };

export const isRoot = process.geteuid?.() === 0;

export async function makePlace(t: TestContext): Promise<TestPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-pg-'));
  await chmod(folder, 0o755);
  const [dataFolder, socketFolder] = [join(folder, 'data'), join(folder, 's')];
  const cluster = join(dataFolder, 'postgres');
  const messages: string[] = [];
  const note = (_fields: object, message: string): void => void messages.push(message);
  const logger = { debug: note, info: note, warn: note, error: note };
  const owned = new AsyncDisposableStack();
  const find = () =>
    findClusterProcesses({ folder: cluster, uid: undefined }, new AbortController().signal).catch(() => []);
  owned.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  owned.defer(async () => {
    for (const identity of await find()) sendSignal(identity, 'SIGKILL');
  });
  t.after(() => owned.disposeAsync());
  return {
    folder,
    dataFolder,
    socketFolder,
    cluster,
    logger,
    messages,
    async start(more = {}) {
      const signal = new AbortController().signal;
      const server = await startEmbeddedPostgres({ dataFolder, socketFolder, logger, signal, ...more });
      owned.defer(() => server.stop());
      return server;
    },
    connect(connection) {
      const pool = new Pool({ ...connection, max: 5 });
      pool.on('error', () => undefined);
      owned.defer(() => pool.end());
      return pool;
    },
    async launch(more = {}) {
      if (more.uid !== undefined) await chown(folder, more.uid, more.uid);
      const launched = await launchApart({ dataFolder, socketFolder, ...more });
      owned.defer(async () => {
        if (launched.child.exitCode !== null || launched.child.signalCode !== null) return;
        launched.child.kill('SIGKILL');
        await once(launched.child, 'exit');
      });
      return launched;
    },
    postmasterPid: async () => Number.parseInt(await readFile(join(cluster, 'postmaster.pid'), 'latin1'), 10),
    processIds: async () => (await find()).map((identity) => identity.pid),
  };
}

/** The program's source is its argument, since an ordinary user may not reach what a test writes. */
const program = `
const { startEmbeddedPostgres } = await import(process.argv[1]);
const { silentLogger: logger } = await import(process.argv[2]);
const options = { ...JSON.parse(process.argv[3]), logger, signal: new AbortController().signal };
try {
  const server = await startEmbeddedPostgres(options);
  const staying = setInterval(() => undefined, 60_000);
  process.once('SIGTERM', () => server.stop().then(() => clearInterval(staying)));
  console.log(JSON.stringify({ connection: server.connection }));
} catch (error) {
  console.log(JSON.stringify({ error: error.name + ': ' + error.message }));
}`;

type Launch = { dataFolder: string; socketFolder: string; uid?: number; binariesFolder?: string };

async function launchApart({ uid, ...options }: Launch): Promise<Launched> {
  const modules = ['../../src/postgres/embedded.ts', '../../src/lib/logger.ts'].map(
    (path) => new URL(path, import.meta.url).href,
  );
  const args = ['--input-type=module', '-e', program, '--', ...modules, JSON.stringify(options)];
  const child = spawn(process.execPath, args, {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, first: JSON.parse(line) as LaunchedLine };
}
