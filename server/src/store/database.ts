import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import { Client, Pool, TypeOverrides, types as pgTypes, type ClientConfig, type PoolClient } from 'pg';
import type { Secret } from '../lib/secret.ts';
import type { Logger } from '../lib/logger.ts';
import type { Tables } from './tables.ts';

/** Where PostgreSQL is: a `DATABASE_URL`, or the folder of the embedded server's socket. */
export type DatabaseAddress =
  | { readonly url: Secret }
  | { readonly host: string; readonly port: number; readonly user: string; readonly database: string };

export type Database = {
  readonly kysely: Kysely<Tables>;
  /** Runs one prepared statement. `name` must be unique to the text: it is prepared once a connection. */
  readonly statement: <Row extends object>(hot: HotStatement, values: readonly unknown[]) => Promise<Row[]>;
  /** Runs several statements in one transaction; rolls back and throws what `work` throws. */
  readonly transaction: <Result>(work: (tx: Transaction<Tables>) => Promise<Result>) => Promise<Result>;
  /** The same, with the bare client, for transactions of hot statements. */
  readonly hotTransaction: <Result>(work: (client: PoolClient) => Promise<Result>) => Promise<Result>;
  /** A connection outside the pool, for sessions that hold something: locks, LISTEN, the lease loop. */
  readonly connect: (onError: (error: Error) => void) => Promise<Client>;
  /** Connections of the pool now: all, those that nobody uses, and who waits for one. */
  readonly poolUse: () => { readonly open: number; readonly idle: number; readonly waiting: number };
  readonly close: () => Promise<void>;
};

/** One statement that is run often: prepared under its name. Each has a file that says why it is as it is. */
export type HotStatement = { readonly name: string; readonly text: string };

/** A statement that runs longer is ended by the server: no request and no loop hangs on the database. */
const statementTimeoutMs = 30_000;
/** For an answer that never comes (a network that swallows packets): the server would have ended it before. */
const answerTimeoutMs = statementTimeoutMs + 5_000;
/**
 * A process that is frozen in the middle of a transaction keeps its locks, and one of them is the lock of all
 * claims: the server breaks such a connection.
 */
const frozenTransactionMs = 30_000;
/** Idle connections are probed after this time, so that a broken network is noticed within half a minute. */
const probeAfterMs = 10_000;

/** Everything that tells "PostgreSQL cannot be reached, is going down or does not answer" from an error of ours. */
const unavailableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  // Ended by an administrator, a crash of another backend, or while starting up.
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  // Frozen in a transaction, or a statement that did not end in its time: the database stood still.
  '25P03',
  '57014',
  // Too many connections; a broken one.
  '53300',
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
]);

/** Whether the error means that the database is away, not that the statement was wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // A socket that is gone, not a file.
  if (code === 'ENOENT') return 'syscall' in error && error.syscall === 'connect';
  return (
    unavailableCodes.has(code) ||
    /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|query read timeout|the database system is/i.test(
      error.message,
    )
  );
}

/** Opens the pool. No connection is made before the first statement. */
export function openDatabase(address: DatabaseAddress, poolSize: number, logger: Logger): Database {
  // bigint columns hold counters far below 2^53: numbers are what everybody wants.
  const types = new TypeOverrides();
  types.setTypeParser(pgTypes.builtins.INT8, Number);
  const settings: ClientConfig = {
    ...connectionOf(address),
    types,
    application_name: 'slipway',
    connectionTimeoutMillis: 5_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: frozenTransactionMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: probeAfterMs,
  };
  const pool = new Pool({
    ...settings,
    max: poolSize,
    idleTimeoutMillis: 30_000,
    query_timeout: answerTimeoutMs,
  });
  // Without a listener an idle connection that breaks would end the whole process.
  pool.on('error', (error) => logger.warn({ error: error.message }, 'an idle database connection broke'));
  // Nor may one that breaks within a transaction, between two statements: the next statement reports it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    kysely,
    async statement<Row extends object>(hot: HotStatement, values: readonly unknown[]) {
      const result = await pool.query<Row>({ ...hot, values: [...values] });
      return result.rows;
    },
    transaction: (work) => kysely.transaction().execute(work),
    hotTransaction: (work) => inTransaction(pool, work),
    async connect(onError) {
      const client = new Client(settings);
      client.on('error', onError);
      await client.connect();
      return client;
    },
    poolUse: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => kysely.destroy(),
  };
}

/** `sslmode` means what it means to libpq: `require` encrypts, `verify-full` checks the certificate as well. */
function connectionOf(address: DatabaseAddress): ClientConfig {
  if (!('url' in address)) return { ...address };
  const url = new URL(address.url.reveal());
  if (!url.searchParams.has('uselibpqcompat')) url.searchParams.set('uselibpqcompat', 'true');
  return { connectionString: url.href };
}

async function inTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    const clean = await client.query('rollback').then(
      () => true,
      () => false,
    );
    client.release(!clean);
    throw error;
  }
}
