import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/lib/logger.ts';
import { startEmbeddedPostgres } from '../../src/postgres/embedded.ts';
import { dropTemplate, makeTemplate, type TestPostgres } from './database.ts';

/**
 * Run once, before and after all test processes (`node --test --test-global-setup=…`): starts the embedded
 * PostgreSQL, or takes the one that SLIPWAY_TEST_DATABASE_URL names (15 or newer, a role that may create
 * databases), and migrates the template that every test's database is a copy of.
 */
let stop: () => Promise<void> = async () => undefined;

export async function globalSetup(): Promise<void> {
  const url = process.env['SLIPWAY_TEST_DATABASE_URL'];
  const postgres: TestPostgres = url === undefined ? await startOwn() : { url };
  const template = await makeTemplate(postgres).catch(async (error: unknown) => {
    // Nobody tears down what was not set up.
    await stop();
    throw error;
  });
  const stopServer = stop;
  stop = async () => {
    await dropTemplate(postgres, template);
    await stopServer();
  };
  process.env['SLIPWAY_TEST_POSTGRES'] = JSON.stringify({ postgres, template });
}

export async function globalTeardown(): Promise<void> {
  await stop();
}

async function startOwn(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-test-'));
  // A root's PostgreSQL runs as another user, who has to get through.
  await chmod(folder, 0o711);
  const ending = new AbortController();
  const server = await startEmbeddedPostgres({
    dataFolder: join(folder, 'data'),
    socketFolder: join(folder, 's'),
    logger: silentLogger,
    signal: ending.signal,
  });
  stop = async () => {
    await server.stop();
    ending.abort();
    await rm(folder, { recursive: true, force: true });
  };
  return server.connection;
}
