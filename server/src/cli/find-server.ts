import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client } from '@slipway/client';
import { identifyProcess } from '../lib/process-identity.ts';
import type { CliConfig } from './cli-deps.ts';
import { CommandError } from './command-error.ts';

/** The flags that every command has which talks to a server. */
export type ConnectionFlags = { readonly server?: string; readonly tokenFile?: string };

/** What a running server leaves in its data folder. */
type Traces = { readonly folder: string; readonly url: string; readonly pid: number | undefined };

/**
 * A client of the server that the flags name, else the configuration, else the one whose data folder lies
 * where this user's would. The token is looked for in the same order, with one exception: what lies in a
 * data folder is given to that folder's own server only. Throws `CommandError` when something is missing.
 */
export async function connect(flags: ConnectionFlags, config: CliConfig): Promise<Client> {
  const traces = await findTraces(config.dataFolders);
  const address = flags.server ?? config.address ?? traces?.url;
  if (address === undefined) {
    throw new CommandError(
      'unreachable',
      'no server found: start one with `npm start` or `slipway serve`, or give --server URL',
    );
  }
  const token = await findToken(flags, config, isSameServer(address, traces) ? traces : undefined);
  if (token === undefined) {
    throw new CommandError(
      'unauthorised',
      `no token for ${address}: give --token-file FILE, or set SLIPWAY_AUTH_TOKEN`,
    );
  }
  try {
    return createClient({ baseUrl: address, token });
  } catch (error) {
    throw error instanceof TypeError ? new CommandError('usage', error.message) : error;
  }
}

async function findToken(
  flags: ConnectionFlags,
  config: CliConfig,
  traces: Traces | undefined,
): Promise<string | undefined> {
  if (flags.tokenFile !== undefined) return readToken(flags.tokenFile);
  if (config.token !== undefined) return config.token.reveal();
  return traces === undefined ? undefined : readToken(join(traces.folder, 'admin-token'));
}

async function readToken(path: string): Promise<string> {
  let token: string;
  try {
    token = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const what = reason === 'EACCES' ? 'belongs to another user' : `cannot be read (${reason})`;
    throw new CommandError('unauthorised', `the token file ${path} ${what}: give another with --token-file`);
  }
  // What a header cannot hold; also the sign of a file that is no token.
  if (/^[\u0021-\u007e]+$/u.test(token)) return token;
  throw new CommandError('unauthorised', `${path} does not hold a token: it should be one line of text`);
}

/** The traces of a living server, else of any: a stale one explains better than none why nothing answers. */
async function findTraces(folders: readonly string[]): Promise<Traces | undefined> {
  const found = (await Promise.all(folders.map(readTraces))).filter((traces) => traces !== undefined);
  return found.find(({ pid }) => pid !== undefined && identifyProcess(pid) !== undefined) ?? found[0];
}

async function readTraces(folder: string): Promise<Traces | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(folder, 'server.json'), 'utf8'));
  } catch {
    // Not there, another user's, or being written: the same as no server here.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('url' in value)) return undefined;
  if (typeof value.url !== 'string' || !URL.canParse(value.url)) return undefined;
  const pid = 'pid' in value && Number.isInteger(value.pid) ? Number(value.pid) : undefined;
  return { folder, url: value.url, pid };
}

function isSameServer(address: string, traces: Traces | undefined): boolean {
  if (traces === undefined || !URL.canParse(address)) return false;
  return new URL(address).origin === new URL(traces.url).origin;
}
