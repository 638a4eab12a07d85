import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client } from '@slipway/client';
import { Secret } from '../../server/src/lib/secret.ts';
import { silentLogger } from '../../server/src/lib/logger.ts';
import { openDatabase, type Database } from '../../server/src/store/database.ts';

const program = join(import.meta.dirname, '../../server/bin/slipway');
const readyPatienceMs = 60_000;
const stopPatienceMs = 20_000;
const keptOutputCharacters = 16_384;

export type SlipwaySettings = Readonly<Record<string, string>>;

/** A real `slipway serve` or `slipway work`, started as its operator would, with the default log level. */
export type SlipwayProcess = AsyncDisposable & {
  readonly pid: number;
  /** Of `serve`: where it listens. */
  readonly url: string;
  /** kill -9, and waits for the end. */
  readonly kill: () => Promise<void>;
};

/**
 * Starts the process and waits until it says that it is ready. Its environment is the settings and what a
 * bench needs: any port, plain http to the git server on loopback, no rate limit. Disposing ends it in an
 * orderly way. Rejects with what it said when it does not come up.
 */
export async function startSlipway(
  command: 'serve' | 'work',
  settings: SlipwaySettings,
): Promise<SlipwayProcess> {
  const child = spawn(program, [command], {
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/nonexistent',
      SLIPWAY_PORT: '0',
      SLIPWAY_TASKS_PER_MINUTE: '0',
      SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let wanted = false;
  const endBy = (signal: NodeJS.Signals): Promise<void> => {
    wanted = true;
    return end(child, signal);
  };
  try {
    const url = await readiness(child, command, (text) => (output = text));
    child.once('exit', (code, signal) => {
      if (!wanted) console.error(`slipway ${command} ended by itself (${code ?? signal}):\n${output}`);
    });
    return {
      pid: child.pid ?? 0,
      url,
      kill: () => endBy('SIGKILL'),
      [Symbol.asyncDispose]: () => endBy('SIGTERM'),
    };
  } catch (error) {
    await end(child, 'SIGKILL');
    throw error;
  }
}

/** Reads what the process says for as long as it lives, so that it never blocks on a full pipe. */
async function readiness(
  child: ChildProcess,
  command: string,
  keep: (output: string) => void,
): Promise<string> {
  let output = '';
  const ready = Promise.withResolvers<string>();
  const onData = (chunk: Buffer): void => {
    output = (output + withoutToken(chunk.toString('utf8'))).slice(-keptOutputCharacters);
    keep(output);
    const url = /listening on (\S+)/u.exec(output)?.[1];
    if (url !== undefined) ready.resolve(url);
    else if (/works on \d+ tasks/u.test(output)) ready.resolve('');
  };
  child.stdout?.on('data', onData);
  child.stderr?.on('data', onData);
  child.once('error', ready.reject);
  child.once('close', (code) =>
    ready.reject(new Error(`slipway ${command} ended with ${code ?? 'a signal'}:\n${output}`)),
  );
  const patience = setTimeout(
    () => ready.reject(new Error(`slipway ${command} was not ready in time:\n${output}`)),
    readyPatienceMs,
  );
  try {
    return await ready.promise;
  } finally {
    clearTimeout(patience);
  }
}

/** The first start shows the administrator's token, which is no part of an error message. */
function withoutToken(text: string): string {
  return text.replaceAll(/^(\s+token\s+)\S+/gmu, '$1(left out)');
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs);
  await ended;
  clearTimeout(patience);
}

/** A client of the server with its administrator's token. */
export async function connectClient(server: SlipwayProcess, dataFolder: string): Promise<Client> {
  return createClient({ baseUrl: server.url, token: await readToken(dataFolder) });
}

/** The administrator's token that a server has left in its data folder. */
export async function readToken(dataFolder: string): Promise<string> {
  return (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim();
}

/** Where the embedded PostgreSQL of a running server is, as a `DATABASE_URL` has it. */
export async function databaseUrl(dataFolder: string, database = 'slipway'): Promise<string> {
  const socketFolder = (await postmasterLines(dataFolder))[4] ?? '';
  return `postgres://slipway@localhost:5432/${database}?host=${encodeURIComponent(socketFolder)}`;
}

/** The process that all of the embedded PostgreSQL's are children of. */
export async function postmasterPid(dataFolder: string): Promise<number> {
  return Number((await postmasterLines(dataFolder))[0]);
}

async function postmasterLines(dataFolder: string): Promise<readonly string[]> {
  return (await readFile(join(dataFolder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
}

/** Opens the server's database beside the server; ended by `close`. */
export async function openServerDatabase(
  dataFolder: string,
  connections: number,
  database?: string,
): Promise<Database> {
  const url = new Secret(await databaseUrl(dataFolder, database));
  return openDatabase({ url }, connections, silentLogger);
}
