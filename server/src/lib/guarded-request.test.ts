import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { runCommand } from './child-process.ts';
import {
  createGuardedClient,
  GuardedRequestError,
  type GuardedFailure,
  type GuardedOptions,
  type GuardedRequest,
} from './guarded-request.ts';

const limits = { connectMs: 20_000, totalMs: 20_000, answerBytes: 1_000 };
const never = new AbortController().signal;
const post = (url: string, more: Partial<GuardedRequest> = {}): GuardedRequest => ({
  url,
  method: 'POST',
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from('hello'),
  ...more,
});

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const serve = (t: TestContext, listener: RequestListener) => listen(t, createServer(listener));
const serveTcp = (t: TestContext, listener: (socket: Socket) => void) => listen(t, createTcpServer(listener));

/** A client that may go to this port of the loopback. */
const clientFor = (port: number, more: Partial<GuardedOptions> = {}) =>
  createGuardedClient({ allow: [`127.0.0.1:${port}`], limits, ...more });

async function failureOf(sent: Promise<unknown>): Promise<{ kind: GuardedFailure; message: string }> {
  const error: unknown = await sent.then(
    () => assert.fail('there was an answer'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GuardedRequestError, String(error));
  return { kind: error.kind, message: error.message };
}

test('a request arrives as it was given, and its answer comes back', async (t) => {
  const port = await serve(t, (incoming, answer) => {
    const { host, connection, 'content-type': type } = incoming.headers;
    answer.setHeader('x-seen', 'yes').writeHead(418);
    void text(incoming).then((body) =>
      answer.end(JSON.stringify([incoming.method, incoming.url, host, connection, type, body])),
    );
  });
  const answer = await clientFor(port)(post(`http://127.0.0.1:${port}/a%20b?c=%3F#secret`), never);
  assert.equal(answer.status, 418);
  assert.equal(answer.headers['x-seen'], 'yes');
  assert.equal(answer.isWhole, true);
  assert.deepEqual(JSON.parse(String(answer.body)), [
    'POST',
    '/a%20b?c=%3F',
    `127.0.0.1:${port}`,
    'close',
    'text/plain',
    'hello',
  ]);
});

test('a redirect is an answer, and is not followed', async (t) => {
  const asked: (string | undefined)[] = [];
  const port = await serve(t, (incoming, answer) => {
    asked.push(incoming.url);
    answer.writeHead(302, { location: '/elsewhere' }).end();
  });
  assert.equal((await clientFor(port)(post(`http://127.0.0.1:${port}/`), never)).status, 302);
  assert.deepEqual(asked, ['/']);
});

test('an address that is refused at sight is neither looked up nor connected to', async (t) => {
  let connections = 0;
  const port = await serveTcp(t, () => (connections += 1));
  const looked: string[] = [];
  const resolve = async (host: string): Promise<readonly string[]> => {
    looked.push(host);
    return ['127.0.0.1'];
  };
  const send = createGuardedClient({ allow: [], limits, resolve });
  for (const host of ['127.0.0.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', 'localhost', 'a:b@8.8.8.8']) {
    assert.equal((await failureOf(send(post(`http://${host}:${port}/`), never))).kind, 'refused_address');
  }
  assert.equal((await failureOf(send(post('ftp://hooks.test/'), never))).kind, 'refused_address');
  assert.deepEqual([connections, looked], [0, []]);
});

test('a name that leads to the host itself is refused, also beside an address that is public', async (t) => {
  let connections = 0;
  const port = await serveTcp(t, () => (connections += 1));
  for (const addresses of [['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['::ffff:7f00:1'], ['169.254.169.254']]) {
    const send = createGuardedClient({ allow: [], limits, resolve: async () => addresses });
    const { kind, message } = await failureOf(send(post(`http://hooks.test:${port}/`), never));
    assert.deepEqual([kind, message], ['refused_address', 'hooks.test has no public address']);
  }
  assert.equal(connections, 0);
});

test('a name is resolved once, and the connection goes to what was judged', async (t) => {
  const port = await serve(t, (incoming, answer) => void answer.end(incoming.headers.host));
  const answers = [['127.0.0.1'], ['127.0.0.2']];
  const looked: string[] = [];
  const resolve = async (host: string): Promise<readonly string[]> => {
    looked.push(host);
    return answers.shift() ?? [];
  };
  const answer = await clientFor(port, { resolve })(post(`http://hooks.test.:${port}/`), never);
  assert.equal(String(answer.body), `hooks.test:${port}`);
  assert.deepEqual(looked, ['hooks.test']);
});

test('what cannot be resolved or connected to is unreachable, and says so without an address', async (t) => {
  const { port: unused } = await unusedPort();
  const refused = await failureOf(clientFor(unused)(post(`http://127.0.0.1:${unused}/`), never));
  assert.deepEqual(refused, { kind: 'unreachable', message: '127.0.0.1 cannot be reached (ECONNREFUSED)' });
  const named = clientFor(unused, { resolve: async () => ['127.0.0.1'] });
  const { message } = await failureOf(named(post(`http://hooks.test:${unused}/`), never));
  assert.equal(message, 'hooks.test cannot be reached (ECONNREFUSED)');
  const empty = createGuardedClient({ allow: [], limits, resolve: async () => [] });
  assert.equal((await failureOf(empty(post('http://hooks.test/'), never))).kind, 'unreachable');
  const unknown = createGuardedClient({
    allow: [],
    limits,
    resolve: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })),
  });
  assert.deepEqual(await failureOf(unknown(post('http://hooks.test/'), never)), {
    kind: 'unreachable',
    message: 'hooks.test cannot be resolved (ENOTFOUND)',
  });
  const hangUp = await serveTcp(t, (socket) => socket.end());
  assert.equal(
    (await failureOf(clientFor(hangUp)(post(`http://127.0.0.1:${hangUp}/`), never))).kind,
    'unreachable',
  );
  const noHttp = await serveTcp(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
  assert.match(
    (await failureOf(clientFor(noHttp)(post(`http://127.0.0.1:${noHttp}/`), never))).message,
    /did not answer with HTTP/u,
  );
});

test('every wait ends: for the name, for the connection, for the status', async (t) => {
  const silent = await serveTcp(t, () => undefined);
  const hanging = createGuardedClient({
    allow: [],
    limits: { ...limits, connectMs: 30 },
    resolve: () => new Promise(() => undefined),
  });
  assert.deepEqual(await failureOf(hanging(post('http://hooks.test/'), never)), {
    kind: 'timeout',
    message: 'hooks.test was not resolved in time',
  });
  const url = `http://127.0.0.1:${silent}/`;
  const status = clientFor(silent, { limits: { ...limits, totalMs: 50 } });
  assert.equal((await failureOf(status(post(url), never))).message, '127.0.0.1 did not answer in time');
  // A handshake that never ends is part of the connection.
  const handshake = clientFor(silent, { limits: { ...limits, connectMs: 50 } });
  assert.deepEqual(await failureOf(handshake(post(`https://127.0.0.1:${silent}/`), never)), {
    kind: 'timeout',
    message: '127.0.0.1 could not be connected to in time',
  });
  const dripping = await serveTcp(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('x-more: 1\r\n'), 5);
    socket.on('close', () => clearInterval(timer));
  });
  const drip = clientFor(dripping, { limits: { ...limits, totalMs: 60 } });
  assert.equal((await failureOf(drip(post(`http://127.0.0.1:${dripping}/`), never))).kind, 'timeout');
});

test('from the status on there is an answer: what is too long, too slow or broken is cut off', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n';
  const long = await serveTcp(t, (socket) => socket.write(head + 'x'.repeat(2_000)));
  const cut = await clientFor(long)(post(`http://127.0.0.1:${long}/`), never);
  assert.deepEqual([cut.status, cut.body.length, cut.isWhole], [200, 1_000, false]);
  const slow = await serveTcp(t, (socket) => socket.write(`${head}abc`));
  const patient = clientFor(slow, { limits: { ...limits, totalMs: 2_000 } });
  const late = await patient(post(`http://127.0.0.1:${slow}/`), never);
  assert.deepEqual([late.status, String(late.body), late.isWhole], [200, 'abc', false]);
  const broken = await serveTcp(t, (socket) => socket.end(`${head}abc`));
  const half = await clientFor(broken)(post(`http://127.0.0.1:${broken}/`), never);
  assert.deepEqual([half.status, String(half.body), half.isWhole], [200, 'abc', false]);
  const unbounded = await serveTcp(t, (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nabc'));
  const whole = await clientFor(unbounded)(post(`http://127.0.0.1:${unbounded}/`), never);
  assert.deepEqual([whole.status, String(whole.body), whole.isWhole], [200, 'abc', true]);
});

test('headers without end are given up, and another protocol is not switched to', async (t) => {
  const large = await serveTcp(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`);
  });
  const failure = await failureOf(clientFor(large)(post(`http://127.0.0.1:${large}/`), never));
  assert.equal(failure.kind, 'too_large');
  const switching = await serveTcp(t, (socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc');
  });
  const answer = await clientFor(switching)(post(`http://127.0.0.1:${switching}/`), never);
  assert.equal(answer.status, 101);
});

test('who stops waiting gets their own reason, and the connection is broken off', async (t) => {
  const closed = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const port = await serveTcp(t, (socket) => {
    socket.on('close', () => closed.resolve());
    socket.on('data', () => stopping.abort(new Error('stopped')));
  });
  const send = clientFor(port);
  await assert.rejects(send(post(`http://127.0.0.1:${port}/`), stopping.signal), /^Error: stopped$/u);
  await closed.promise;
  await assert.rejects(send(post(`http://127.0.0.1:${port}/`), stopping.signal), /^Error: stopped$/u);
  const resolving = new AbortController();
  const waiting = createGuardedClient({
    allow: [],
    limits,
    resolve: () => {
      resolving.abort(new Error('stopped'));
      return new Promise(() => undefined);
    },
  });
  await assert.rejects(waiting(post('http://hooks.test/'), resolving.signal), /^Error: stopped$/u);
});

test('a secure connection is made by name: a certificate for another one is refused', async (t) => {
  const { key, cert } = await certificateFor(t, 'hooks.test');
  const asked: string[] = [];
  const server = createHttpsServer({ key, cert }, (_incoming, answer) => answer.end('secret'));
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => asked.push(String(socket.servername)));
  const port = await listen(t, server);
  const resolve = async (): Promise<readonly string[]> => ['127.0.0.1'];
  const send = clientFor(port, { resolve });
  const unknown = await failureOf(send(post(`https://hooks.test:${port}/`), never));
  assert.deepEqual(unknown, {
    kind: 'tls',
    message: 'no secure connection to hooks.test (DEPTH_ZERO_SELF_SIGNED_CERT)',
  });
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, cert]);
  t.after(() => setDefaultCACertificates(trusted));
  assert.equal(String((await send(post(`https://hooks.test:${port}/`), never)).body), 'secret');
  assert.ok(asked.includes('hooks.test'));
  for (const other of ['other.test', '127.0.0.1']) {
    const failure = await failureOf(send(post(`https://${other}:${port}/`), never));
    assert.equal(failure.message, `no secure connection to ${other} (ERR_TLS_CERT_ALTNAME_INVALID)`);
  }
  const plain = await serve(t, (_incoming, answer) => answer.end());
  assert.equal((await failureOf(clientFor(plain)(post(`https://127.0.0.1:${plain}/`), never))).kind, 'tls');
});

async function unusedPort(): Promise<{ readonly port: number }> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { port };
}

async function certificateFor(t: TestContext, name: string): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2'];
  const done = await runCommand({
    file: 'openssl',
    args: ['req', '-x509', ...made, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    cwd: folder,
    maxOutputBytes: 65_536,
    timeoutMs: 30_000,
    signal: AbortSignal.timeout(30_000),
  });
  assert.equal(done.code, 0, done.stderr);
  return {
    key: readFileSync(join(folder, 'key.pem'), 'utf8'),
    cert: readFileSync(join(folder, 'cert.pem'), 'utf8'),
  };
}
