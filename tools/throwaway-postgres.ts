import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type ThrowawayPostgres = AsyncDisposable & { readonly url: string };

/** PostgreSQL refuses to run as root, and initdb wants a user with a name: nobody. */
export const unprivilegedUid = 65_534;
const startsWithinMs = 60_000;

/**
 * Makes a cluster in a folder of its own from the binaries in `bin` and starts it on a unix socket, without
 * a port and without fsync; `more` are settings that win over these. It and its folder are gone once it was
 * disposed of.
 */
export async function startThrowawayPostgres(
  bin: string,
  more: Readonly<Record<string, string>> = {},
): Promise<ThrowawayPostgres> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-pg-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const isRoot = process.geteuid?.() === 0;
  const who = isRoot ? { uid: unprivilegedUid, gid: unprivilegedUid } : {};
  if (isRoot) await chown(folder, unprivilegedUid, unprivilegedUid);
  await chmod(folder, 0o700);
  const data = join(folder, 'data');
  const env = { PATH: `${bin}:/usr/bin:/bin`, LC_ALL: 'C' };
  const initdb = spawn(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'slipway', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'], ...who },
  );
  const [code] = (await once(initdb, 'close')) as [number | null];
  if (code !== 0) throw new Error(`initdb ended with ${code}`);
  const options = {
    listen_addresses: '',
    unix_socket_directories: folder,
    fsync: 'off',
    max_connections: '200',
    ...more,
  };
  const settings = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    // A Ctrl-C is for the tests; this ends after them.
    detached: true,
    ...who,
  });
  stack.defer(() => stop(server));
  await ready(server);
  const owned = stack.move();
  return {
    url: `postgres:///postgres?host=${encodeURIComponent(folder)}&user=slipway`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function ready(server: ChildProcess): Promise<void> {
  if (server.stderr === null) throw new Error('postgres has no stderr');
  const said: string[] = [];
  const timer = setTimeout(() => server.kill('SIGKILL'), startsWithinMs);
  for await (const line of createInterface(server.stderr)) {
    said.push(line);
    if (!line.includes('ready to accept connections')) continue;
    clearTimeout(timer);
    // Its log goes on; read to nowhere, so that it never waits for us.
    server.stderr.resume();
    return;
  }
  clearTimeout(timer);
  throw new Error(`postgres did not start:\n${said.join('\n')}`);
}

/** An immediate shutdown: nobody needs the data. */
async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGQUIT');
  await gone;
}

/** Debian's folder of this version's programs, or undefined where they are not installed. */
export function findDebianPostgres(version: number): string | undefined {
  const bin = `/usr/lib/postgresql/${version}/bin`;
  return existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')) ? bin : undefined;
}
