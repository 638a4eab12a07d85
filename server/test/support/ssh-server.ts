import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from './git-repositories.ts';
import { makeKeyPair, sshd } from './ssh-programs.ts';
import type { KeyPair } from './ssh-programs.ts';

export type SshServer = {
  readonly port: number;
  /** The address of `project.git`; the others lie beside it. */
  readonly url: string;
  readonly canonical: string;
  /** A key that may log in, for git alone. */
  readonly key: KeyPair;
  /** The file with the key of this host, as an operator pins it. */
  readonly knownHosts: string;
  /** Serves the repositories of this folder. */
  readonly serve: (root: string) => Promise<void>;
  /** Lets this public key log in too. */
  readonly authorize: (publicKey: string) => Promise<void>;
  /** Pins this public key for the host instead of its own; undefined: none. */
  readonly pin: (publicKey: string | undefined) => Promise<void>;
  /** Holds every command back before it does anything, until the returned function is called. */
  readonly hold: () => Promise<() => Promise<void>>;
  readonly isHolding: () => boolean;
  /** The commands that were asked for, in their order. */
  readonly commands: () => Promise<readonly string[]>;
  /** What sshd has logged. */
  readonly log: () => Promise<string>;
};

/**
 * OpenSSH's sshd on loopback, one process a connection, with a host key and accounts of its own: the user that
 * the tests run as, by key, for git in one folder. Ask `sshMissing` first.
 */
export async function startSshServer(
  t: TestContext,
  options: { readonly acceptsProtocol?: boolean } = {},
): Promise<SshServer> {
  const folder = await temporaryFolder(t);
  const path = (name: string): string => join(folder, name);
  const [host, key] = [
    await makeKeyPair(folder, 'host', ['-t', 'ed25519', '-N', '']),
    await makeKeyPair(folder, 'user', ['-t', 'ed25519', '-N', '']),
  ];
  await writeFile(path('command'), commandScript(folder), { mode: 0o700 });
  await writeFile(path('config'), configOf(folder, options.acceptsProtocol ?? true));
  // Where sshd as root wants an empty folder, which the service of the system makes otherwise.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await listen(t, { config: path('config'), log: path('log') });
  const user = userInfo().username;
  // A name that has to be quoted, for the shell and for ssh.
  const knownHosts = path("the host's 100% pinned key");
  const authorized: string[] = [];
  const authorize: SshServer['authorize'] = async (publicKey) => {
    authorized.push(`restrict,command="${path('command')}" ${publicKey}\n`);
    await writeFile(path('authorized'), authorized.join(''));
  };
  const pin: SshServer['pin'] = (publicKey) =>
    writeFile(knownHosts, publicKey === undefined ? '' : `[127.0.0.1]:${port} ${publicKey}\n`);
  await authorize(key.publicKey);
  await pin(host.publicKey);
  return {
    port,
    url: `ssh://${user}@127.0.0.1:${port}/project.git`,
    canonical: `ssh://${user}@127.0.0.1:${port}/project`,
    key,
    knownHosts,
    serve: (root) => symlink(root, path('root')),
    authorize,
    pin,
    async hold() {
      await writeFile(path('hold'), '');
      return () => rm(path('hold'), { force: true });
    },
    isHolding: () => existsSync(path('held')),
    commands: async () => (await readFile(path('commands'), 'utf8').catch(() => '')).split('\n').slice(0, -1),
    log: () => readFile(path('log'), 'utf8').catch(() => ''),
  };
}

/** What a key may do: read and write the repositories below `root`, as forges have it. */
function commandScript(folder: string): string {
  return `#!/bin/sh
cd '${folder}' || exit 1
printf '%s\\n' "$SSH_ORIGINAL_COMMAND" >>commands
while [ -e hold ]; do : >held; sleep 0.05; done
name=\${SSH_ORIGINAL_COMMAND#*\\'/}
name=\${name%\\'}
case "$name" in */* | .*) exit 1 ;; esac
if [ -d "root/$name" ]; then
  case "$SSH_ORIGINAL_COMMAND" in
    "git-upload-pack '/$name'") exec git-upload-pack "root/$name" ;;
    "git-receive-pack '/$name'") exec git-receive-pack "root/$name" ;;
  esac
fi
echo 'ERROR: Repository not found.' >&2
exit 1
`;
}

function configOf(folder: string, acceptsProtocol: boolean): string {
  return [
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/authorized`,
    'PidFile none',
    // The temporary folder is everybody's.
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin forced-commands-only',
    ...(acceptsProtocol ? ['AcceptEnv GIT_PROTOCOL'] : []),
    'LogLevel VERBOSE',
    '',
  ].join('\n');
}

/** A process of sshd for each connection, which gets the connection itself. */
async function listen(t: TestContext, files: { config: string; log: string }): Promise<number> {
  const children = new Set<ChildProcess>();
  const log = openSync(files.log, 'a');
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn(sshd, ['-i', '-e', '-f', files.config], { stdio: [socket, socket, log] });
    children.add(child);
    child.once('error', () => socket.destroy());
    child.once('exit', () => children.delete(child));
    socket.on('error', () => undefined);
    socket.destroy();
  });
  t.after(async () => {
    server.close();
    for (const child of children) child.kill();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
