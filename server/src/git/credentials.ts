import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import type { Secret } from '../lib/secret.ts';

export type Credential = { readonly username: string; readonly password: Secret };

export type ServedCredential = {
  /** The value of `credential.helper` that leads one git command to the socket. */
  readonly helper: string;
  readonly close: () => Promise<void>;
};

const maxRequestBytes = 16 * 1024;
const requestTimeoutMs = 10_000;

/** `sun_path` has 108 bytes on Linux and 104 on macOS, one of them a NUL; names here have 17. */
const maxFolderBytes = 103 - 18;

/** Makes the folder for the sockets, closed to others. Throws when its path is too long for a socket. */
export async function prepareSocketFolder(folder: string): Promise<void> {
  if (Buffer.byteLength(folder) > maxFolderBytes) {
    throw new Error(`the folder for sockets has a path of more than ${maxFolderBytes} bytes: ${folder}`);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/**
 * Serves a credential to one git command over a unix socket that only this user can open. It is answered for
 * the exact scheme, host and port of `url` and for nothing else, so a redirect or a rewritten address gets none.
 *
 * The client is git's own `credential-cache` (2 ms; a program of ours in Node takes 40), which speaks lines
 * of `key=value` to a daemon: here, this process. Only `get` goes through: `store` would start the real
 * daemon, with the token in it, where this process has died. Nothing is in an argument, a file or the
 * environment but the socket's path.
 */
export async function serveCredential(
  folder: string,
  url: string,
  credential: Credential,
): Promise<ServedCredential> {
  const path = join(folder, `${randomBytes(6).toString('hex')}.sock`);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    answerOn(socket, (request) => answerTo(request, url, credential));
  });
  await listen(server, path);
  await chmod(path, 0o600);
  return {
    helper: `!f() { test "$1" != get || git credential-cache --socket=${shellQuoted(path)} get; }; f`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

function answerOn(socket: Socket, answer: (request: string) => string): void {
  let request = '';
  socket.setEncoding('utf8').setTimeout(requestTimeoutMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    request += text;
    if (request.length > maxRequestBytes) socket.destroy();
  });
  socket.once('end', () => socket.end(answer(request)));
}

/** Pure: the answer to a request in the lines of git-credential(1); empty when it asks for anything else. */
export function answerTo(request: string, url: string, credential: Credential): string {
  const asked = new Map<string, string>();
  for (const line of request.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) asked.set(line.slice(0, equals), line.slice(equals + 1));
  }
  const { protocol, host } = new URL(url);
  const isForUs =
    asked.get('action') === 'get' &&
    asked.get('protocol') === protocol.slice(0, -1) &&
    asked.get('host')?.toLowerCase() === host &&
    (asked.get('username') ?? credential.username) === credential.username;
  return isForUs ? `username=${credential.username}\npassword=${credential.password.reveal()}\n` : '';
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
