import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Client } from 'pg';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { openDatabase, type Database, type DatabaseAddress } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';

/** The server that the tests of one run share: by address, or by its socket's folder. */
export type TestPostgres =
  | { readonly url: string }
  | { readonly host: string; readonly port: number; readonly user: string; readonly database: string };

const migrationsFolder = join(import.meta.dirname, '../../migrations');

/** A fresh, migrated database of this test's own. Closed and dropped when the test ends. */
export async function testDatabase(t: TestContext, poolSize = 6): Promise<Database> {
  const { database, remove } = await openTestDatabase(poolSize);
  t.after(remove);
  return database;
}

/**
 * The same, for who ends it in an order of their own: `t.after` hooks run first come, first served, so what
 * uses the database has to be ended by the hook that removes it.
 */
export async function openTestDatabase(poolSize = 6): Promise<{
  readonly database: Database;
  readonly address: DatabaseAddress;
  readonly remove: () => Promise<void>;
}> {
  const { postgres, template } = sharedPostgres();
  const name = newName();
  await administer(postgres, `create database ${name} template ${template}`);
  const address = addressOf(postgres, name);
  const database = openDatabase(address, poolSize, silentLogger);
  const remove = async (): Promise<void> => {
    await database.close();
    await administer(postgres, `drop database if exists ${name} with (force)`);
  };
  return { database, address, remove };
}

/** Makes the migrated database that `testDatabase` copies (about 50 ms a copy), and gives its name. */
export async function makeTemplate(postgres: TestPostgres): Promise<string> {
  const name = newName();
  await administer(postgres, `create database ${name}`);
  const client = await connect(postgres, name);
  try {
    await migrate(client, migrationsFolder);
  } finally {
    await client.end();
  }
  return name;
}

export async function dropTemplate(postgres: TestPostgres, name: string): Promise<void> {
  await administer(postgres, `drop database if exists ${name} with (force)`);
}

function sharedPostgres(): { readonly postgres: TestPostgres; readonly template: string } {
  const text = process.env['SLIPWAY_TEST_POSTGRES'];
  if (text !== undefined) return JSON.parse(text) as { postgres: TestPostgres; template: string };
  throw new Error(
    'this test needs PostgreSQL: run it with --test-global-setup=server/test/support/global-setup.ts',
  );
}

function newName(): string {
  return `slipway_test_${randomBytes(6).toString('hex')}`;
}

async function administer(postgres: TestPostgres, statement: string): Promise<void> {
  const client = await connect(postgres, undefined);
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function connect(postgres: TestPostgres, database: string | undefined): Promise<Client> {
  const address = addressOf(postgres, database);
  const client = new Client('url' in address ? { connectionString: address.url.reveal() } : { ...address });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function addressOf(postgres: TestPostgres, database: string | undefined): DatabaseAddress {
  if (!('url' in postgres)) return database === undefined ? postgres : { ...postgres, database };
  const url = new URL(postgres.url);
  if (database !== undefined) url.pathname = `/${database}`;
  return { url: new Secret(url.href) };
}
