import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { temporaryFolder } from '../../test/support/git-repositories.ts';
import { makeKeyPair, needsOpenssh } from '../../test/support/ssh-programs.ts';
import { readSshKey, sshKeyProblem } from './ssh-key.ts';

const kinds: Readonly<Record<string, readonly string[]>> = {
  ed25519: ['-t', 'ed25519'],
  rsa: ['-t', 'rsa', '-b', '2048'],
  ecdsa256: ['-t', 'ecdsa', '-b', '256'],
  ecdsa384: ['-t', 'ecdsa', '-b', '384'],
  ecdsa521: ['-t', 'ecdsa', '-b', '521'],
};
const pem = { type: 'pkcs8', format: 'pem' } as const;
const spki = { type: 'spki', format: 'pem' } as const;

test(
  'keys as ssh-keygen writes them are read, with the public half that it wrote',
  needsOpenssh,
  async (t) => {
    const folder = await temporaryFolder(t);
    for (const [name, options] of Object.entries(kinds)) {
      for (const format of name === 'ed25519' ? ['RFC4716'] : ['RFC4716', 'PEM', 'PKCS8']) {
        const pair = await makeKeyPair(folder, `${name}-${format}`, [...options, '-N', '', '-m', format]);
        assert.equal(sshKeyProblem(pair.privateKey), undefined, `${name} ${format}`);
        const { type, publicBlob } = readSshKey(pair.privateKey);
        assert.equal(`${type} ${publicBlob.toString('base64')}`, pair.publicKey, `${name} ${format}`);
        const pasted = `\r\n  ${pair.privateKey.replaceAll('\n', '\r\n').trimEnd()}`;
        assert.equal(sshKeyProblem(pasted), undefined, `${name} ${format}, pasted`);
      }
    }
  },
);

test('a number that is shorter than its curve is read too', needsOpenssh, async (t) => {
  const folder = await temporaryFolder(t);
  // Of 521 bits, the first byte is 0 in every second key.
  for (let count = 0; count < 8; count += 1) {
    const pair = await makeKeyPair(folder, `key-${count}`, ['-t', 'ecdsa', '-b', '521', '-N', '']);
    assert.equal(sshKeyProblem(pair.privateKey), undefined);
  }
});

test(
  'a key with a passphrase is refused, in every format, and told how to do without',
  needsOpenssh,
  async (t) => {
    const folder = await temporaryFolder(t);
    for (const format of ['RFC4716', 'PEM', 'PKCS8']) {
      const options = [...(kinds['rsa'] ?? []), '-N', 'open sesame', '-m', format];
      const { privateKey } = await makeKeyPair(folder, format, options);
      assert.match(sshKeyProblem(privateKey) ?? '', /passphrase.*ssh-keygen/u, format);
    }
  },
);

test('what is no private key for ssh is refused with the reason', () => {
  const { publicKey } = generateKeyPairSync('ed25519', { privateKeyEncoding: pem, publicKeyEncoding: spki });
  const make = (type: 'x25519' | 'ed448'): string =>
    generateKeyPairSync(type as 'x25519').privateKey.export(pem);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /must be a private key/u],
    ['ghp_0123456789abcdef', /must be a private key/u],
    ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ada', /public half/u],
    [publicKey, /public half/u],
    ['---- BEGIN SSH2 PUBLIC KEY ----', /public half/u],
    ['PuTTY-User-Key-File-3: ssh-ed25519', /PuTTY.*puttygen/u],
    ['x'.repeat(40_000), /at most/u],
    [make('x25519'), /not supported/u],
    [make('ed448'), /not supported/u],
    [ec.export(pem), /not supported/u],
    [rsa.export(pem), /from 2048/u],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----', /damaged/u],
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', /damaged/u],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /must be a private key/u],
  ];
  for (const [text, problem] of cases)
    assert.match(sshKeyProblem(text) ?? 'taken', problem, text.slice(0, 60));
});

test('a damaged key is refused in words that hold nothing of it', needsOpenssh, async (t) => {
  const folder = await temporaryFolder(t);
  const { privateKey } = await makeKeyPair(folder, 'key', ['-t', 'ed25519', '-N', '']);
  const lines = privateKey.trim().split('\n');
  const bytes = Buffer.from(lines.slice(1, -1).join(''), 'base64');
  const wrap = (changed: Buffer): string => [lines[0], changed.toString('base64'), lines.at(-1)].join('\n');
  assert.equal(sshKeyProblem(wrap(bytes)), undefined);
  const seed = bytes.lastIndexOf('ssh-ed25519') + 'ssh-ed25519'.length + 4 + 32 + 4;
  bytes.writeUInt8(bytes.readUInt8(seed) ^ 1, seed);
  assert.match(sshKeyProblem(wrap(bytes)) ?? 'taken', /damaged/u, 'halves that do not belong together');
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, byte, length) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(byte, at);
      for (const text of [wrap(changed), wrap(changed.subarray(0, length)), privateKey.slice(0, length)]) {
        const problem = sshKeyProblem(text);
        assert.ok(problem === undefined || problem.length < 200);
        for (const line of lines.slice(1, -1)) assert.ok(problem?.includes(line) !== true);
      }
    }),
  );
});
