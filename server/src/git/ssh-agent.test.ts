import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { temporaryFolder, testSignal } from '../../test/support/git-repositories.ts';
import { makeKeyPair, needsOpenssh } from '../../test/support/ssh-programs.ts';
import { runCommand } from '../lib/child-process.ts';
import type { CommandResult } from '../lib/child-process.ts';
import { readSshKey } from '../lib/ssh-key.ts';
import { readSsh, sshString } from '../lib/ssh-wire.ts';
import { answerAgent, serveSshKey } from './ssh-agent.ts';
import type { Login } from './ssh-agent.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const { privateKey } = generateKeyPairSync('ed25519');
const login: Login = { user: 'git', key: readSshKey(privateKey.export(pem)) };
const failure = Buffer.of(5);

type Parts = {
  readonly message: number;
  readonly user: string;
  readonly service: string;
  readonly method: string;
  readonly signed: number;
  readonly publicBlob: Buffer;
  readonly more: readonly Buffer[];
};

/** What an ssh client has signed to log in, or something that differs from it. */
function loginData(changed: Partial<Parts> = {}): Buffer {
  const parts: Parts = {
    message: 50,
    user: 'git',
    service: 'ssh-connection',
    method: 'publickey',
    signed: 1,
    publicBlob: login.key.publicBlob,
    more: [],
    ...changed,
  };
  return Buffer.concat([
    sshString('the id of the connection'),
    Buffer.of(parts.message),
    sshString(parts.user),
    sshString(parts.service),
    sshString(parts.method),
    Buffer.of(parts.signed),
    sshString('ssh-ed25519'),
    sshString(parts.publicBlob),
    ...parts.more,
  ]);
}

function signRequest(data: Buffer, publicBlob = login.key.publicBlob, flags = 0): Buffer {
  return Buffer.concat([Buffer.of(13), sshString(publicBlob), sshString(data), Buffer.of(0, 0, 0, flags)]);
}

test('a login of the user with the key is signed, in both forms that ssh has for it', () => {
  const bound = { method: 'publickey-hostbound-v00@openssh.com', more: [sshString('the key of the host')] };
  for (const data of [loginData(), loginData(bound)]) {
    const answer = readSsh(answerAgent(signRequest(data), login));
    assert.equal(answer.byte(), 14);
    const signature = readSsh(answer.string());
    assert.equal(signature.text(), 'ssh-ed25519');
    assert.ok(verify(null, data, createPublicKey(privateKey), signature.string()));
    assert.equal(answer.rest() + signature.rest(), 0);
  }
});

test('nothing else is signed', () => {
  const other = readSshKey(generateKeyPairSync('ed25519').privateKey.export(pem)).publicBlob;
  const cases: Readonly<Record<string, Buffer>> = {
    'another user': loginData({ user: 'root' }),
    'another message': loginData({ message: 51 }),
    'another service': loginData({ service: 'ssh-userauth' }),
    'another method': loginData({ method: 'hostbased' }),
    'a question whether the key would do': loginData({ signed: 0 }),
    'another key': loginData({ publicBlob: other }),
    'a host that is not named': loginData({ method: 'publickey-hostbound-v00@openssh.com' }),
    'something behind it': loginData({ more: [sshString('x')] }),
    'a signed file': Buffer.concat([Buffer.from('SSHSIG'), sshString('git'), sshString('')]),
    'half of it': loginData().subarray(0, 60),
    nothing: Buffer.alloc(0),
  };
  for (const [name, data] of Object.entries(cases))
    assert.deepEqual(answerAgent(signRequest(data), login), failure, name);
  assert.deepEqual(answerAgent(signRequest(loginData(), other), login), failure);
});

test('an RSA key signs with SHA-2, never with SHA-1', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const key = readSshKey(rsa.export(pem));
  const data = loginData({ publicBlob: key.publicBlob });
  const ask = (flags: number): Buffer =>
    answerAgent(signRequest(data, key.publicBlob, flags), { user: 'git', key });
  assert.deepEqual(ask(0), failure);
  for (const [flags, name, digest] of [
    [2, 'rsa-sha2-256', 'sha256'],
    [4, 'rsa-sha2-512', 'sha512'],
  ] as const) {
    const signature = readSsh(readSsh(ask(flags).subarray(1)).string());
    assert.equal(signature.text(), name);
    assert.ok(verify(digest, data, createPublicKey(rsa), signature.string()));
  }
});

test('whatever is asked, there is an answer, and never one that holds the key', () => {
  const d = String(privateKey.export({ format: 'jwk' }).d);
  const seed = Buffer.from(d, 'base64url');
  const request = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(fc.nat(30), fc.uint8Array({ maxLength: 100 })).map(([kind, rest]) => [kind, ...rest]),
  );
  fc.assert(
    fc.property(request, (bytes) => {
      const answer = answerAgent(Buffer.from(bytes), login);
      assert.ok(!answer.includes(seed));
      assert.ok([5, 12].includes(answer[0] ?? 0));
    }),
    { numRuns: 2000 },
  );
});

test(
  "ssh's own programs take it for an agent with one key, from which nothing but a login is had",
  needsOpenssh,
  async (t) => {
    const folder = await temporaryFolder(t);
    const pair = await makeKeyPair(folder, 'key', ['-t', 'ed25519', '-N', '']);
    const own = await makeKeyPair(folder, 'own', ['-t', 'ed25519', '-N', '']);
    await using socket = await serve(join(folder, 's'), pair.privateKey);
    const ask = (file: string, ...args: string[]): Promise<CommandResult> =>
      runCommand({
        file,
        args,
        env: { PATH: '/usr/bin:/bin', SSH_AUTH_SOCK: socket.path },
        cwd: folder,
        maxOutputBytes: 10_000,
        timeoutMs: 20_000,
        signal: testSignal(),
      });
    assert.equal((await ask('ssh-add', '-L')).stdout.toString(), `${pair.publicKey} slipway\n`);
    await writeFile(join(folder, 'message'), 'to be signed');
    const signed = await ask('ssh-keygen', '-Y', 'sign', '-f', `${pair.path}.pub`, '-n', 'file', 'message');
    assert.notEqual(signed.code, 0);
    for (const args of [[own.path], ['-D'], ['-x'], ['-d', `${pair.path}.pub`]])
      assert.notEqual((await ask('ssh-add', ...args)).code, 0, args.join(' '));
    assert.equal((await ask('ssh-add', '-L')).stdout.toString(), `${pair.publicKey} slipway\n`);
  },
);

test('requests may come in pieces or together, and one that is too long ends the connection', async (t) => {
  const folder = await temporaryFolder(t);
  await using socket = await serve(join(folder, 's'), privateKey.export(pem));
  const question = sshString(Buffer.of(11));
  const talk = (chunks: readonly Buffer[]): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const client = connect(socket.path);
      const received: Buffer[] = [];
      client.on('data', (chunk: Buffer) => received.push(chunk)).on('error', reject);
      client.once('close', () => resolve(Buffer.concat(received)));
      for (const chunk of chunks) client.write(chunk);
      client.end();
    });
  const once = await talk([question]);
  assert.ok(once.includes(login.key.publicBlob));
  assert.deepEqual(await talk([...question].map((byte) => Buffer.of(byte))), once);
  assert.deepEqual(await talk([Buffer.concat([question, question])]), Buffer.concat([once, once]));
  assert.deepEqual(await talk([Buffer.of(0, 255, 255, 255, 11)]), Buffer.alloc(0));
});

test('closing takes the socket away, and whoever is connected with it', async (t) => {
  const folder = join(await temporaryFolder(t), 's');
  const socket = await serve(folder, privateKey.export(pem));
  const client = connect(socket.path);
  await new Promise((resolve) => client.once('connect', resolve));
  const gone = new Promise((resolve) => client.once('close', resolve));
  client.on('error', () => undefined);
  await socket[Symbol.asyncDispose]();
  await gone;
  assert.deepEqual(readdirSync(folder), []);
});

async function serve(folder: string, key: string): Promise<AsyncDisposable & { readonly path: string }> {
  const { path, close } = await serveSshKey(folder, { user: 'git', key: readSshKey(key) });
  return { path, [Symbol.asyncDispose]: close };
}
