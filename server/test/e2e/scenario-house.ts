import { chmod, chown, mkdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type Client } from '@slipway/client';
import pg from 'pg';
import {
  startGitServer,
  type GitRequest,
  type GitServer,
  type GitServerFault,
} from '../../src/demo/git-server.ts';
import { removeTree } from '../../src/lib/remove-tree.ts';
import {
  readToken,
  startSlipway,
  type SlipwayProcess,
  type SlipwaySettings,
  type User,
} from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { makeRepositories, type RepositoryName } from './scenario-repositories.ts';

/** Small, so that every limit is reached in a second or two; a task that keeps to them notices nothing. */
export const smallLimits: SlipwaySettings = {
  SLIPWAY_OUTPUT_MB: '24',
  SLIPWAY_MEMORY_MB: '256',
  SLIPWAY_DISK_MB: '64',
  SLIPWAY_TEMPORARY_MB: '16',
  SLIPWAY_PROCESSES: '64',
  SLIPWAY_RESULT_MB: '18',
  SLIPWAY_SILENCE_SECONDS: '5',
};

/** What the git server does wrong with the requests for one repository. */
export type RepositoryFault = (request: GitRequest) => GitServerFault | undefined;

/** A forge with every repository that a scenario needs, and one installation of the product. */
export type House = {
  readonly forge: GitServer;
  /** Asks for a credential whose password is `secretToken`. */
  readonly privateForge: GitServer;
  /** The folder of the bare repositories. */
  readonly repositories: string;
  readonly data: string;
  /** Beside the data folder, for what else a test keeps. */
  readonly folder: string;
  readonly client: Client;
  readonly token: string;
  /** Now; another one after a restart. */
  readonly server: () => SlipwayProcess;
  /** Arms what happens to requests for one repository. */
  readonly onRequest: (repository: RepositoryName, fault: RepositoryFault) => void;
  /** Ends the server, in an orderly way or by kill -9, and starts it again on the same port. */
  readonly restart: (how: 'stop' | 'kill') => Promise<void>;
  readonly query: <Row>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  /** Of the embedded PostgreSQL, for another process that shares it. */
  readonly databaseUrl: string;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** The password of the private forge: looked for wherever a token must not be. */
export const secretToken = 'forge-token-4e1d9c7b20f65a83';

export type HouseOptions = {
  readonly settings?: SlipwaySettings;
  /** Of whom the server is a process; undefined: of this one's user. */
  readonly user?: User | undefined;
};

/** Opens everything; what is opened is closed in reverse with `await using`, whatever was open by then. */
export async function openHouse({ settings = smallLimits, user }: HouseOptions = {}): Promise<House> {
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder({ after: () => undefined });
  stack.defer(() => removeTree(folder, AbortSignal.timeout(60_000)));
  const repositories = join(folder, 'repositories');
  const data = join(folder, 'data');
  for (const path of [repositories, data]) await mkdir(path);
  if (user !== undefined) await chown(data, user.uid, user.gid);
  await makeRepositories(repositories);
  await chmod(folder, 0o711);
  const faults = createFaultTable();
  const forge = await startGitServer({ root: repositories, faults: (request) => faults.look(request) });
  stack.defer(() => forge.close());
  const credentials = { password: secretToken };
  const privateForge = await startGitServer({ root: repositories, credentials });
  stack.defer(() => privateForge.close());
  const start = (port: string): Promise<SlipwayProcess> =>
    startSlipway(
      'serve',
      { SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on', ...settings, SLIPWAY_DATA_DIR: data, SLIPWAY_PORT: port },
      user,
    );
  let server = await start('0');
  stack.defer(() => server.stop());
  const token = await readToken(data);
  const databaseUrl = embeddedDatabaseUrl(data);
  const database = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  database.on('error', () => undefined);
  stack.defer(() => database.end());
  const { port } = new URL(server.url);
  const owned = stack.move();
  return {
    forge,
    privateForge,
    repositories,
    data,
    folder,
    token,
    databaseUrl,
    client: createClient({ baseUrl: server.url, token }),
    server: () => server,
    onRequest: (repository, fault) => faults.arm(repository, fault),
    async restart(how) {
      await server[how]();
      server = await start(port);
    },
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await database.query(text, [...values])).rows as Row[],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function createFaultTable() {
  const armed = new Map<string, RepositoryFault>();
  return {
    arm(repository: RepositoryName, fault: RepositoryFault): void {
      armed.set(repository, fault);
    },
    look(request: GitRequest): GitServerFault | undefined {
      return armed.get(/^\/([^/]+)\.git\//u.exec(request.url)?.[1] ?? '')?.(request);
    },
  };
}

/** The address of the embedded PostgreSQL of a data folder: its socket's folder stands in its pid file. */
function embeddedDatabaseUrl(data: string): string {
  const lines = readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
  return `postgres://slipway@localhost:5432/slipway?host=${encodeURIComponent(lines[4] ?? '')}`;
}
