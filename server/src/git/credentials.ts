import type { Socket } from 'node:net';
import type { Secret } from '../lib/secret.ts';
import { openPrivateSocket, shellQuoted } from './private-socket.ts';

/** For http and https. */
export type PasswordCredential = {
  readonly kind: 'password';
  readonly username: string;
  readonly password: Secret;
};

/** For ssh: a private key that `sshKeyProblem` finds nothing wrong with. */
export type SshKeyCredential = { readonly kind: 'ssh_key'; readonly privateKey: Secret };

export type Credential = PasswordCredential | SshKeyCredential;

/** The part of a credential that must not be shown. */
export function secretOf(credential: Credential): Secret {
  return credential.kind === 'password' ? credential.password : credential.privateKey;
}

export type ServedCredential = {
  /** The value of `credential.helper` that leads one git command to the socket. */
  readonly helper: string;
  readonly close: () => Promise<void>;
};

const maxRequestBytes = 16 * 1024;
const requestTimeoutMs = 10_000;

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
  credential: PasswordCredential,
): Promise<ServedCredential> {
  const { path, close } = await openPrivateSocket(folder, (socket) =>
    answerOn(socket, (request) => answerTo(request, url, credential)),
  );
  return {
    helper: `!f() { test "$1" != get || git credential-cache --socket=${shellQuoted(path)} get; }; f`,
    close,
  };
}

function answerOn(socket: Socket, answer: (request: string) => string): void {
  let request = '';
  socket.setEncoding('utf8').setTimeout(requestTimeoutMs, () => socket.destroy());
  socket.on('data', (text: string) => {
    request += text;
    if (request.length > maxRequestBytes) socket.destroy();
  });
  socket.once('end', () => socket.end(answer(request)));
}

/** Pure: the answer to a request in the lines of git-credential(1); empty when it asks for anything else. */
export function answerTo(request: string, url: string, credential: PasswordCredential): string {
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
