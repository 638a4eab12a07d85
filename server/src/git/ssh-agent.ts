import { sign } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SshKey } from '../lib/ssh-key.ts';
import { readSsh, sshNumber, sshString, SshWireError } from '../lib/ssh-wire.ts';
import { openPrivateSocket } from './private-socket.ts';
import type { PrivateSocket } from './private-socket.ts';

/** Whom the key logs in, and with what. */
export type Login = { readonly user: string; readonly key: SshKey };

/** The numbers of draft-ietf-sshm-ssh-agent, sections 5 and 6. */
const number = {
  failure: 5,
  requestIdentities: 11,
  identities: 12,
  signRequest: 13,
  signature: 14,
  userauthRequest: 50,
} as const;
const flagSha256 = 2;
const flagSha512 = 4;

/** A request holds a public key and a login with that key again: of RSA, some 5 KiB at most. */
const maxRequestBytes = 64 * 1024;

/**
 * An ssh agent within this process, for one command: the private key is in no file, argument or environment,
 * no process of its own holds it, and it is gone with this one, however that ends. It signs logins of `user`
 * and nothing else, over a socket that only this user of the host can open.
 */
export async function serveSshKey(folder: string, login: Login): Promise<PrivateSocket> {
  return openPrivateSocket(folder, (socket) => answerOn(socket, (request) => answerAgent(request, login)));
}

/** Requests come one after the other, each behind its length in four bytes. */
function answerOn(socket: Socket, answer: (request: Buffer) => Buffer): void {
  let waiting = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 4) {
      const length = waiting.readUInt32BE();
      if (length > maxRequestBytes) {
        socket.destroy();
        return;
      }
      if (waiting.length < 4 + length) return;
      socket.write(sshString(answer(waiting.subarray(4, 4 + length))));
      waiting = waiting.subarray(4 + length);
    }
  });
  socket.once('end', () => socket.end());
}

/**
 * Pure but for the signature: the answer to one request, both without their length. What is neither the
 * question for identities nor a login of this user with this key gets a failure.
 */
export function answerAgent(request: Buffer, login: Login): Buffer {
  try {
    const fields = readSsh(request);
    const kind = fields.byte();
    if (kind === number.requestIdentities) return identities(login);
    if (kind !== number.signRequest || !fields.string().equals(login.key.publicBlob)) return failure();
    const data = fields.string();
    const flags = fields.uint32();
    return isLogin(data, login) ? signature(data, flags, login.key) : failure();
  } catch (error) {
    if (error instanceof SshWireError) return failure();
    throw error;
  }
}

function failure(): Buffer {
  return Buffer.of(number.failure);
}

function identities({ key }: Login): Buffer {
  const one = Buffer.alloc(4);
  one.writeUInt32BE(1);
  return Buffer.concat([Buffer.of(number.identities), one, sshString(key.publicBlob), sshString('slipway')]);
}

/**
 * Whether the bytes to sign are what logs this user in with this key (RFC 4252, section 7; OpenSSH's form of
 * it that also names the host's key), rather than a signed message that somebody could use elsewhere.
 */
function isLogin(data: Buffer, { user, key }: Login): boolean {
  const fields = readSsh(data);
  // The connection's own id.
  fields.string();
  if (fields.byte() !== number.userauthRequest) return false;
  if (fields.text() !== user || fields.text() !== 'ssh-connection') return false;
  const method = fields.text();
  const isBound = method === 'publickey-hostbound-v00@openssh.com';
  if (method !== 'publickey' && !isBound) return false;
  if (fields.byte() !== 1) return false;
  // The algorithm: the answer goes by the flags.
  fields.text();
  if (!fields.string().equals(key.publicBlob)) return false;
  if (isBound) fields.string();
  return fields.rest() === 0;
}

function signature(data: Buffer, flags: number, { type, privateKey }: SshKey): Buffer {
  const signed = (algorithm: string, bytes: Uint8Array): Buffer =>
    Buffer.concat([
      Buffer.of(number.signature),
      sshString(Buffer.concat([sshString(algorithm), sshString(bytes)])),
    ]);
  if (type === 'ssh-ed25519') return signed(type, sign(null, data, privateKey));
  if (type === 'ssh-rsa') {
    // RFC 8332. Without a flag it would be SHA-1.
    if ((flags & flagSha512) !== 0) return signed('rsa-sha2-512', sign('sha512', data, privateKey));
    return (flags & flagSha256) === 0 ? failure() : signed('rsa-sha2-256', sign('sha256', data, privateKey));
  }
  // RFC 5656, section 6.2.1: the digest is as long as the curve, at most.
  const digest = type.endsWith('256') ? 'sha256' : type.endsWith('384') ? 'sha384' : 'sha512';
  const halves = sign(digest, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const middle = halves.length / 2;
  const [r, s] = [sshNumber(halves.subarray(0, middle)), sshNumber(halves.subarray(middle))];
  return signed(type, Buffer.concat([r, s]));
}
