import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readSsh, SshWireError } from './ssh-wire.ts';
import type { SshReader } from './ssh-wire.ts';

/** A private key was refused. The message completes "the key …", and holds nothing of the key. */
export class SshKeyRefused extends Error {
  override readonly name = 'SshKeyRefused';
}

/** Of `SshKeyRefused`. */
export const passphraseProblem =
  'is protected by a passphrase, and nobody is there to type it: give a key of its own without one (ssh-keygen -t ed25519 -N "")';
/** Of `SshKeyRefused`. */
export const unsupportedProblem = 'has an algorithm that is not supported: use Ed25519, ECDSA (NIST) or RSA';

const magic = 'openssh-key-v1\0';

/**
 * Reads a key in OpenSSH's own format (the file PROTOCOL.key of its sources). Throws `SshKeyRefused` for one
 * that cannot be used, and anything for bytes that are none.
 */
export function readOpensshKey(text: string): KeyObject {
  const base64 = /^-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----$/u;
  const bytes = Buffer.from(base64.exec(text)?.[1] ?? '', 'base64');
  if (bytes.toString('latin1', 0, magic.length) !== magic) throw new SshWireError('not the format');
  const file = readSsh(bytes.subarray(magic.length));
  const cipher = file.text();
  // The way from a passphrase to a key, and its options.
  file.string();
  file.string();
  if (cipher !== 'none') throw new SshKeyRefused(passphraseProblem);
  if (file.uint32() !== 1) throw new SshKeyRefused('must be one key, not several');
  // The public half, which the private one holds too.
  file.string();
  const secret = readSsh(file.string());
  if (secret.uint32() !== secret.uint32()) throw new SshWireError('the checks differ');
  return readPrivate(secret.text(), secret);
}

function readPrivate(type: string, fields: SshReader): KeyObject {
  if (type === 'ssh-ed25519') {
    const x = fields.string();
    const d = fields.string().subarray(0, 32);
    return fromJwk({ kty: 'OKP', crv: 'Ed25519', x: base64url(x), d: base64url(d) });
  }
  if (type === 'ssh-rsa') return readRsa(fields);
  const curve = /^ecdsa-sha2-nistp(256|384|521)$/u.exec(type)?.[1];
  if (curve !== undefined) return readEcdsa(Number(curve), fields);
  if (type.startsWith('sk-'))
    throw new SshKeyRefused('lies in a security key, which is not here to be touched');
  throw new SshKeyRefused(unsupportedProblem);
}

function readRsa(fields: SshReader): KeyObject {
  const [n, e, d, qi, p, q] = [
    fields.number(),
    fields.number(),
    fields.number(),
    fields.number(),
    fields.number(),
    fields.number(),
  ];
  const exponent = (prime: Uint8Array): string => {
    const order = bigint(prime) - 1n;
    if (order <= 0n) throw new SshWireError('not a prime');
    return base64url(fromHex((bigint(d) % order).toString(16)));
  };
  const [dp, dq] = [exponent(p), exponent(q)];
  const numbers = { n, e, d, p, q, qi };
  const fieldsOfJwk = Object.entries(numbers).map(([name, value]) => [name, base64url(value)] as const);
  return fromJwk({ kty: 'RSA', ...Object.fromEntries(fieldsOfJwk), dp, dq });
}

function readEcdsa(bits: number, fields: SshReader): KeyObject {
  fields.string();
  const point = fields.string();
  const bytes = Math.ceil(bits / 8);
  // 4: a point that is not compressed, x and then y.
  if (point[0] !== 4 || point.length !== 1 + 2 * bytes) throw new SshWireError('not a point');
  const d = fromHex(
    Buffer.from(fields.number())
      .toString('hex')
      .padStart(2 * bytes, '0'),
  );
  return fromJwk({
    kty: 'EC',
    crv: `P-${bits}`,
    x: base64url(point.subarray(1, 1 + bytes)),
    y: base64url(point.subarray(1 + bytes)),
    d: base64url(d),
  });
}

function fromJwk(key: Readonly<Record<string, string>>): KeyObject {
  return createPrivateKey({ key, format: 'jwk' });
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function bigint(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex');
}
