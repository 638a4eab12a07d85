import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCommand } from '../lib/child-process.ts';
import { Secret } from '../lib/secret.ts';
import { gitByHand, temporaryFolder, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { createSmartHttp } from './smart-http.ts';
import { createRefLister, readRefs } from './list-refs.ts';

const id = 'a'.repeat(40);
const packet = (text: string): string => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
const head = packet(`${id} HEAD symref-target:refs/heads/main\n`);
const whole = `${head}${packet(`${id} refs/heads/main\n`)}0000`;
const answerType = { 'content-type': 'application/x-git-upload-pack-result' };
const credential = { kind: 'password' as const, username: 'x', password: new Secret('the-token') };

test('the refs of a remote are told as git tells them', async (t) => {
  const forge = await testForge(t);
  const commit = await forge.commit({ 'a.txt': 'a' }, 'topic/a');
  await gitByHand(forge.bare, 'tag', '-a', '-m', 'first', 'v1', commit);
  const refs = await forge.git.listRefs({ url: forge.url }, testSignal());
  const ids = await gitByHand(forge.bare, 'for-each-ref', '--format=%(objectname) %(refname:short)');
  assert.equal(refs?.defaultBranch, 'main');
  const told = [...(refs?.branches ?? []), ...(refs?.tags ?? [])].map(
    ([name, object]) => `${object} ${name}`,
  );
  assert.deepEqual(told.sort(), ids.split('\n').sort());
  assert.deepEqual(
    forge.server.requests.slice(-1).map(({ method, url }) => `${method} ${url}`),
    ['POST /project.git/git-upload-pack'],
  );
});

test('only a whole answer with names and ids is one', () => {
  assert.deepEqual(readRefs(Buffer.from(whole)), {
    defaultBranch: 'main',
    branches: new Map([['main', id]]),
    tags: new Map(),
  });
  assert.equal(readRefs(Buffer.from(`${head}0000`))?.defaultBranch, undefined, 'there is no such branch');
  for (const wrong of [
    '',
    '0001',
    '<html>',
    '0004',
    `0003${whole}`,
    whole.slice(0, -4),
    whole.slice(0, -5),
    `${whole}0000`,
    packet('ERR go away\n') + whole,
    packet(`${id} refs/pull/1\n`) + whole,
    packet(`${id.repeat(2).slice(0, 64)} refs/heads/main\n`) + whole,
    packet('unborn HEAD symref-target:refs/heads/main\n') + whole,
  ]) {
    assert.equal(readRefs(Buffer.from(wrong)), undefined, wrong);
  }
});

test('refusals, redirects and what is no answer leave it to git', async (t) => {
  let stolen = 0;
  const thief = await serve(t, (_request, response) => {
    stolen += 1;
    response.end();
  });
  const answers: Record<string, RequestListener> = {
    refused: (_request, response) => response.writeHead(401, answerType).end(whole),
    redirect: (_request, response) =>
      response.writeHead(302, { ...answerType, location: `${thief}/git-upload-pack` }).end(whole),
    temporary: (_request, response) =>
      response.writeHead(307, { ...answerType, location: `${thief}/git-upload-pack` }).end(whole),
    page: (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(whole),
    garbage: (_request, response) => response.writeHead(200, answerType).end('no refs here'),
    'cut short': (_request, response) => {
      response.writeHead(200, { ...answerType, 'content-length': 1000 }).write(whole);
      setImmediate(() => response.destroy());
    },
    'broken off': (request) => request.socket.destroy(),
    silent: () => undefined,
    'without end': (_request, response) => response.writeHead(200, answerType).write(whole.slice(0, -4)),
    huge: (_request, response) => response.writeHead(200, answerType).end('0'.repeat(100_000)),
  };
  const list = createRefLister(createSmartHttp(), { timeMs: 500, bytes: 50_000 });
  for (const [name, answer] of Object.entries(answers)) {
    const url = await serve(t, answer);
    assert.equal(await list({ url, credential, signal: testSignal() }), undefined, name);
  }
  assert.equal(stolen, 0);
  const url = await serve(t, (_request, response) => response.writeHead(200, answerType).end(whole));
  assert.equal((await list({ url, credential, signal: testSignal() }))?.branches.size, 1);
  for (const strange of [`${url}?x`, `${url}#x`])
    assert.equal(await list({ url: strange, credential, signal: testSignal() }), undefined);
});

test('who stops waiting gets the reason', async (t) => {
  const leaving = new AbortController();
  const url = await serve(t, () => leaving.abort(new Error('left')));
  const list = createRefLister(createSmartHttp());
  await assert.rejects(list({ url, credential: undefined, signal: leaving.signal }), /left/u);
  await assert.rejects(list({ url, credential: undefined, signal: leaving.signal }), /left/u);
});

test('over TLS the certificates of the system count, and nothing that Node was told beside them', async (t) => {
  const { key, certificate } = await makeCertificate(t);
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) });
  server.on('request', (_request, response) => response.writeHead(200, answerType).end(whole));
  const url = (await listen(t, server)).replace('http:', 'https:');
  assert.match(await listElsewhere(url, { SSL_CERT_FILE: certificate }), /main/u);
  for (const env of [{}, { NODE_EXTRA_CA_CERTS: certificate }, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }])
    assert.equal(await listElsewhere(url, env), 'undefined\n');
});

/** Asks from a process of its own, since Node reads the system's certificates once. */
async function listElsewhere(url: string, env: Readonly<Record<string, string>>): Promise<string> {
  const program = `
    import { createRefLister } from ${JSON.stringify(import.meta.resolve('./list-refs.ts'))};
    import { createSmartHttp } from ${JSON.stringify(import.meta.resolve('./smart-http.ts'))};
    const refs = await createRefLister(createSmartHttp())({ url: ${JSON.stringify(url)}, signal: AbortSignal.timeout(20_000) });
    console.log(refs?.defaultBranch);`;
  const done = await runCommand({
    file: process.execPath,
    args: ['--no-warnings', '--input-type=module', '--eval', program],
    env,
    cwd: '/',
    maxOutputBytes: 10_000,
    timeoutMs: 30_000,
    signal: testSignal(),
  });
  assert.equal(done.code, 0, done.stderr);
  return done.stdout.toString('utf8');
}

async function makeCertificate(t: TestContext): Promise<{ key: string; certificate: string }> {
  const folder = await temporaryFolder(t);
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2'];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const done = await runCommand({
    file: 'openssl',
    args: ['req', '-x509', ...made, ...name],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    cwd: folder,
    maxOutputBytes: 10_000,
    timeoutMs: 30_000,
    signal: testSignal(),
  });
  assert.equal(done.code, 0, done.stderr);
  return { key, certificate };
}

function serve(t: TestContext, answer: RequestListener): Promise<string> {
  return listen(t, createServer(answer));
}

async function listen(
  t: TestContext,
  server: Pick<Server, 'listen' | 'close' | 'address'> & { closeAllConnections: () => void },
): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `http://127.0.0.1:${address.port}/project.git`;
}
