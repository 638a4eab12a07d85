import { realpath } from 'node:fs/promises';
import { Client, DatabaseError } from 'pg';

/** What `pg` needs to connect; there is no password. */
export type Connection = {
  /** The folder of the unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
};

/**
 * What a server says to a new connection. `ready` carries its data folder; `starting` and `stopping` pass;
 * `no_database`: it is up without our database; `absent`: nobody listens; `silent`: somebody does, but
 * does not answer.
 */
export type Answer =
  | { readonly kind: 'ready'; readonly dataFolder: string }
  | { readonly kind: 'starting' | 'stopping' | 'no_database' | 'busy' | 'absent' | 'silent' };

const answerWithinMs = 3_000;

/** Connects and asks which data folder this is. Takes at most twice `answerWithinMs`; never rejects for what a server says. */
export async function askServer(connection: Connection): Promise<Answer> {
  const client = openClient(connection);
  try {
    await client.connect();
    const result = await client.query<{ data_directory: string }>('show data_directory');
    const folder = result.rows[0]?.data_directory ?? '';
    return { kind: 'ready', dataFolder: await realpath(folder).catch(() => folder) };
  } catch (error) {
    return { kind: kindOf(error) };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Makes our database in a cluster that has none yet. */
export async function createDatabase(connection: Connection): Promise<void> {
  const client = openClient({ ...connection, database: 'postgres' });
  try {
    await client.connect();
    await client.query(`create database ${client.escapeIdentifier(connection.database)}`);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== duplicateDatabase) throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const duplicateDatabase = '42P04';

function openClient(connection: Connection): Client {
  const client = new Client({
    ...connection,
    ssl: false,
    connectionTimeoutMillis: answerWithinMs,
    query_timeout: connection.database === 'postgres' ? 60_000 : answerWithinMs,
  });
  // A connection that breaks between two queries is reported here and nowhere else: unheard, it ends the process.
  client.on('error', () => undefined);
  return client;
}

function kindOf(error: unknown): Exclude<Answer['kind'], 'ready'> {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') return 'absent';
  if (code === '57P03') return String(message).includes('shutting down') ? 'stopping' : 'starting';
  if (code === '3D000') return 'no_database';
  if (error instanceof DatabaseError) return 'busy';
  return 'silent';
}
