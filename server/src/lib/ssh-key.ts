import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { passphraseProblem, readOpensshKey, SshKeyRefused, unsupportedProblem } from './openssh-key.ts';
import { sshNumber, sshString } from './ssh-wire.ts';

/** A private key that can log in over ssh. */
export type SshKey = {
  /** The algorithm as it stands in front of the public half in `authorized_keys`. */
  readonly type: string;
  /** The public half as the protocol has it: what follows there, in Base64. */
  readonly publicBlob: Buffer;
  readonly privateKey: KeyObject;
};

/** A key of 16,384 bits, the longest that OpenSSH makes, takes 12,700 in its file. */
const maxCharacters = 32_768;
/** What GitHub and GitLab take at least. */
const smallestRsaBits = 2048;
const largestRsaBits = 16_384;
const supportedTypes: ReadonlySet<string> = new Set(['ed25519', 'ec', 'rsa']);
const damaged = 'is damaged or not whole: give all of the file, with its first and last line';

/**
 * Reads a private key: OpenSSH's own format, or PEM (PKCS#1, SEC 1, PKCS#8). Line ends and blanks around it do
 * not matter. Throws `SshKeyRefused`.
 */
export function readSshKey(text: string): SshKey {
  const trimmed = text.trim();
  refuseOther(trimmed);
  try {
    const isOpenssh = trimmed.startsWith('-----BEGIN OPENSSH');
    return describe(isOpenssh ? readOpensshKey(trimmed) : createPrivateKey(trimmed));
  } catch (error) {
    if (error instanceof SshKeyRefused) throw error;
    // The cause's words may be about the key's bytes.
    throw new SshKeyRefused(damaged);
  }
}

/**
 * Why the text is no private key that git can use over ssh, as words that complete "the key …" and hold
 * nothing of it; undefined: it is one. A passphrase is a problem, since nobody is there to type it.
 */
export function sshKeyProblem(text: string): string | undefined {
  try {
    const { privateKey } = readSshKey(text);
    // Halves that do not belong together would only be told by a host that refuses the key.
    const digest = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    const trial = Buffer.from('trial');
    const signature = sign(digest, trial, privateKey);
    return verify(digest, trial, createPublicKey(privateKey), signature) ? undefined : damaged;
  } catch (error) {
    return error instanceof SshKeyRefused ? error.message : damaged;
  }
}

function refuseOther(text: string): void {
  if (text.length > maxCharacters) refuse(`must have at most ${maxCharacters} characters`);
  if (/^(?:ssh-|ecdsa-|sk-)|^-{4,5} ?BEGIN [A-Z0-9 ]*PUBLIC KEY/u.test(text))
    refuse('is the public half: give the private one, the file without .pub');
  if (text.startsWith('PuTTY-User-Key-File'))
    refuse('is in the format of PuTTY: convert it with puttygen KEY.ppk -O private-openssh -o KEY');
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/mu.test(text))
    refuse(passphraseProblem);
  if (!/^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/u.test(text))
    refuse('must be a private key as ssh-keygen writes it, from its line BEGIN to its line END');
}

/** The public half in the protocol's form: RFC 4253 (RSA), RFC 5656 (ECDSA), RFC 8709 (Ed25519). */
function describe(privateKey: KeyObject): SshKey {
  if (!supportedTypes.has(privateKey.asymmetricKeyType ?? '')) refuse(unsupportedProblem);
  const {
    kty,
    crv = '',
    n = '',
    e = '',
    x = '',
    y = '',
  } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (kty === 'RSA') {
    const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < smallestRsaBits || bits > largestRsaBits)
      refuse(`must have from ${smallestRsaBits} to ${largestRsaBits} bits, as an RSA key`);
    return withBlob(privateKey, 'ssh-rsa', [sshNumber(bytesOf(e)), sshNumber(bytesOf(n))]);
  }
  if (crv === 'Ed25519') return withBlob(privateKey, 'ssh-ed25519', [sshString(bytesOf(x))]);
  const bits = /^P-(256|384|521)$/u.exec(crv)?.[1];
  if (bits === undefined) refuse(unsupportedProblem);
  const point = Buffer.concat([Buffer.of(4), bytesOf(x), bytesOf(y)]);
  return withBlob(privateKey, `ecdsa-sha2-nistp${bits}`, [sshString(`nistp${bits}`), sshString(point)]);
}

function withBlob(privateKey: KeyObject, type: string, fields: readonly Buffer[]): SshKey {
  return { type, publicBlob: Buffer.concat([sshString(type), ...fields]), privateKey };
}

function bytesOf(base64url: string): Buffer {
  return Buffer.from(base64url, 'base64url');
}

function refuse(problem: string): never {
  throw new SshKeyRefused(problem);
}
