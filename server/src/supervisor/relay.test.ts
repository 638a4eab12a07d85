import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../lib/child-process.ts';
import { isPlainPath } from './relay.ts';
import {
  ask,
  askWhole,
  closeOf,
  listenOnLoopback,
  readWhole,
  sayRaw,
  serveTcp,
  serveTrialWayOut,
  serveUpstream,
  trialRelay,
} from './test-way-out.ts';

type Seen = { readonly incoming: IncomingMessage; readonly answer: ServerResponse };

test('a stream passes as it is written, an event at a time', { timeout: 20_000 }, async (t) => {
  const model = new EventEmitter();
  const { port } = await serveUpstream(t, (incoming, answer) => model.emit('asked', { incoming, answer }));
  const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
  const asked = once(model, 'asked') as Promise<[Seen]>;
  const answered = ask(socket, {
    path: '/anthropic/v1/messages?beta=true',
    method: 'POST',
    body: '{"stream":true}',
  });
  const [{ incoming, answer }] = await asked;
  assert.equal(incoming.url, '/v1/messages?beta=true');
  assert.equal(await readWhole(incoming), '{"stream":true}');
  answer.writeHead(200, { 'content-type': 'text/event-stream', 'x-two': ['1', '2'] });
  answer.flushHeaders();
  // Has arrived before any of the body was written.
  const received = await answered;
  assert.equal(received.headers['content-type'], 'text/event-stream');
  for (const event of ['event: a\ndata: \xe9\n\n', 'event: b\n\n', ': \0\n\n']) {
    const next = once(received, 'data') as Promise<[Buffer]>;
    answer.write(Buffer.from(event, 'latin1'));
    const [bytes] = await next;
    assert.equal(bytes.toString('latin1'), event);
  }
  const end = once(received, 'end');
  answer.end();
  await end;
  assert.ok(received.complete);
});

test(
  'many megabytes pass in both directions byte for byte, and none is held',
  { timeout: 60_000 },
  async (t) => {
    const { port } = await serveUpstream(t, (incoming, answer) => {
      answer.setHeader('content-encoding', 'none-of-ours');
      incoming.pipe(answer);
    });
    const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
    const block = randomBytes(1024 * 1024);
    const sent = request({ socketPath: socket, path: '/anthropic/echo', method: 'POST', agent: false });
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
    sent.write(block);
    const [received] = await answered;
    const before = process.memoryUsage().arrayBuffers;
    let blocks = 1;
    // A reader that does not read stops its writer, and a model that writes on does not fill our memory.
    while (sent.write(block)) blocks += 1;
    blocks += 1;
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
    const sum = createHash('sha256');
    const wanted = createHash('sha256');
    received.on('data', (part: Buffer) => sum.update(part));
    for (; blocks < 40; blocks += 1) if (!sent.write(block)) await once(sent, 'drain');
    sent.end();
    await once(received, 'end');
    for (let times = 0; times < blocks; times += 1) wanted.update(block);
    assert.equal(sum.digest('hex'), wanted.digest('hex'));
    assert.equal(received.headers['content-encoding'], 'none-of-ours');
  },
);

test("the operator's key goes out in the place of the sandbox's own, and never comes back", async (t) => {
  const { port } = await serveUpstream(t, (incoming, answer) => {
    const key = incoming.headers['x-api-key'];
    answer.writeHead(200, { 'x-echo': `you said ${String(key)}`, 'x-fine': 'fine' });
    answer.end(JSON.stringify(incoming.headers));
  });
  const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
  const { headers, body } = await askWhole(socket, {
    path: '/anthropic/v1/models',
    headers: {
      'x-api-key': 'of-the-sandbox',
      Authorization: 'Bearer of-the-sandbox',
      'proxy-authorization': 'Basic of-the-sandbox',
      'anthropic-version': '2023-06-01',
      connection: 'close, x-hop',
      'x-hop': 'of-the-sandbox',
    },
  });
  const arrived = JSON.parse(body) as Record<string, string>;
  assert.equal(arrived['x-api-key'], 'the-key-of-the-operator');
  assert.equal(arrived['anthropic-version'], '2023-06-01');
  assert.equal(arrived['host'], `127.0.0.1:${port}`);
  assert.ok(!body.includes('of-the-sandbox'), body);
  assert.equal(headers['x-echo'], undefined);
  assert.equal(headers['x-fine'], 'fine');
});

test('a client that goes takes its request to the model along at once', { timeout: 20_000 }, async (t) => {
  for (const begun of [false, true]) {
    const model = new EventEmitter();
    const { port } = await serveUpstream(t, (incoming, answer) => {
      incoming.resume();
      if (begun) answer.write('data: 1\n\n');
      answer.once('close', () => model.emit('gone'));
      model.emit('asked');
    });
    const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
    const asked = once(model, 'asked');
    const gone = once(model, 'gone');
    const client = connect({ path: socket });
    client.write('POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
    await asked;
    if (begun) await once(client, 'data');
    const startedAt = performance.now();
    client.destroy();
    await gone;
    assert.ok(performance.now() - startedAt < 500);
  }
});

test(
  'a model that breaks off in the middle is seen to, whatever the framing',
  { timeout: 20_000 },
  async (t) => {
    const framings = [
      'transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n',
      'content-length: 100\r\n\r\ndata: 1\n\n',
    ];
    for (const framing of framings) {
      const cut = Promise.withResolvers<void>();
      const port = await serveTcp(t, (model) => {
        model.once('data', () => model.write(`HTTP/1.1 200 OK\r\n${framing}`));
        void cut.promise.then(() => model.end());
      });
      const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
      const received = await ask(socket, { path: '/anthropic/x', method: 'POST', body: 'x' });
      const [part] = (await once(received, 'data')) as [Buffer];
      assert.equal(part.toString('latin1'), 'data: 1\n\n');
      const closed = closeOf(received);
      cut.resolve();
      await closed;
      assert.equal(received.complete, false);
    }
  },
);

test(
  'a model that cannot be reached is an error that clients show, without a secret',
  { timeout: 20_000 },
  async (t) => {
    const silent = await serveTcp(t, () => {});
    const hangsUp = await serveTcp(t, (model) => void model.once('data', () => model.destroy()));
    const speaksOther = await serveTcp(
      t,
      (model) => void model.once('data', () => model.end('SSH-2.0-x\r\n')),
    );
    const nobody = 1;
    const relays = [nobody, hangsUp, speaksOther].map((port) =>
      trialRelay(port, { prefix: `/${port}`, url: `http://user:password@127.0.0.1:${port}/secret-path` }),
    );
    // TLS is never answered: the connection stands and does not come about.
    relays.push(trialRelay(silent, { prefix: '/tls', url: `https://127.0.0.1:${silent}` }));
    const { socket } = await serveTrialWayOut(t, { relays }, { connectMs: 300 });
    for (const { prefix } of relays) {
      const { status, headers, body } = await askWhole(socket, {
        path: `${prefix}/v1`,
        method: 'POST',
        body: 'x',
      });
      assert.equal(status, 502);
      assert.equal(headers['content-type'], 'application/json');
      const { type, error } = JSON.parse(body) as { type: string; error: { type: string; message: string } };
      assert.deepEqual([type, error.type], ['error', 'api_error']);
      assert.match(
        error.message,
        /^Slipway's relay cannot reach the model at 127\.0\.0\.1:\d+ \([A-Z_]+\)\.$/,
      );
      assert.doesNotMatch(body, /password|secret-path|the-key-of-the-operator/);
    }
  },
);

test('an answer that comes before the request is complete passes', { timeout: 20_000 }, async (t) => {
  const { port } = await serveUpstream(t, (incoming, answer) => {
    answer.writeHead(413, { connection: 'close' });
    answer.end('too long');
    incoming.resume();
  });
  const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
  const { status, body } = await askWhole(socket, {
    path: '/anthropic/x',
    method: 'POST',
    body: randomBytes(300_000),
  });
  assert.deepEqual([status, body], [413, 'too long']);
});

test('connections to the model are kept, and used again', async (t) => {
  let connections = 0;
  const { server, port } = await serveUpstream(t, (incoming, answer) => {
    incoming.resume();
    answer.end('ok');
  });
  server.on('connection', () => (connections += 1));
  const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
  for (let times = 0; times < 5; times += 1) {
    assert.equal((await askWhole(socket, { path: '/anthropic', method: 'POST', body: 'x' })).status, 200);
  }
  assert.equal(connections, 1);
});

test("no path leads out of the relay's own address", async (t) => {
  const paths: (string | undefined)[] = [];
  const { port } = await serveUpstream(t, (incoming, answer) => {
    paths.push(incoming.url);
    answer.end();
  });
  const { socket } = await serveTrialWayOut(t, {
    relays: [trialRelay(port, { url: `http://127.0.0.1:${port}/base/v1` })],
  });
  const statusOf = async (target: string): Promise<number> => {
    const answer = await sayRaw(socket, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    return Number(answer.slice(9, 12));
  };
  const climbing = [
    '/..',
    '/../x',
    '/%2e%2e/x',
    '/.%2E/x',
    '/..%2fx',
    '/%2e%2e%5cx',
    '/%252e%252e/x',
    '/a/./b',
    '/..;/x',
  ];
  for (const rest of [...climbing, '/\\..\\x', '/%25252525252e', '/a#b']) {
    assert.equal(await statusOf(`/anthropic${rest}`), 400, rest);
  }
  const elsewhere = [
    '/',
    '/anthropicx',
    '//anthropic/x',
    '/%61nthropic/x',
    '/x/../anthropic/x',
    '/ANTHROPIC/x',
  ];
  for (const target of elsewhere) assert.equal(await statusOf(target), 404, target);
  assert.equal(await statusOf('http://127.0.0.1:3128/anthropic/x'), 403);
  assert.equal(await statusOf(`http://127.0.0.1:${port}/base/v1/x`), 403);
  assert.deepEqual(paths, []);
  for (const rest of ['', '/', '?q=/../x', '//host/x', '/@host/x', '/a..b/...', '/a%20b']) {
    assert.equal(await statusOf(`/anthropic${rest}`), 200, rest);
  }
  assert.deepEqual(
    paths,
    ['', '/', '?q=/../x', '//host/x', '/@host/x', '/a..b/...', '/a%20b'].map((rest) => `/base/v1${rest}`),
  );
});

test('a plain path is plain however far it is decoded', () => {
  for (const path of ['/v1/messages', '', '/a?b=%2e%2e/', '/files/a%2Fb', '/100%'])
    assert.ok(isPlainPath(path), path);
  for (const path of ['/a\tb', '/\xe9', '/..', '/%2e%2e', '/%2E.%5C', '/a/%25%32%65%25%32%65/b']) {
    assert.ok(!isPlainPath(path), path);
  }
});

test('TRACE, which asks for its headers back, is not passed on', async (t) => {
  const { port } = await serveUpstream(t, (incoming, answer) => void answer.end(String(incoming.method)));
  const { socket } = await serveTrialWayOut(t, { relays: [trialRelay(port)] });
  assert.equal((await askWhole(socket, { path: '/anthropic/x', method: 'TRACE' })).status, 400);
  assert.equal((await askWhole(socket, { path: '/anthropic/x', method: 'DELETE' })).body, 'DELETE');
});

test(
  'a model behind a certificate of a company is reached where the supervisor trusts that',
  { timeout: 60_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-tls-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2'];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const done = await runCommand({
      file: 'openssl',
      args: ['req', '-x509', ...made, ...names],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      cwd: folder,
      maxOutputBytes: 65_536,
      timeoutMs: 30_000,
      signal: AbortSignal.timeout(30_000),
    });
    assert.equal(done.code, 0, done.stderr);
    const server = createHttpsServer(
      { key: readFileSync(key), cert: readFileSync(certificate) },
      (incoming, answer) => answer.end(`${String(incoming.headers['x-api-key'])} ${String(incoming.url)}`),
    );
    const port = await listenOnLoopback(t, server);
    t.after(() => server.closeAllConnections());
    const relay = trialRelay(port, { url: `https://localhost:${port}/v1` });
    // Trust is read at a program's start: so one that serves, and asks itself.
    const program = `
    const { openWayOut } = await import(${JSON.stringify(new URL('way-out.ts', import.meta.url).href)});
    const { request } = await import('node:http');
    const spec = { socket: ${JSON.stringify(join(folder, 'out'))}, relays: [${JSON.stringify(relay)}], allow: [] };
    const { close } = await openWayOut(spec, { onRefused() {} });
    request({ socketPath: spec.socket, path: '/anthropic/x' }, async (answer) => {
      for await (const part of answer) process.stdout.write(part);
      close();
    }).end();`;
    const answerWith = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const result = await runCommand({
        file: process.execPath,
        args: ['--input-type=module', '-e', program],
        env,
        cwd: '/',
        maxOutputBytes: 65_536,
        timeoutMs: 20_000,
        signal: AbortSignal.timeout(30_000),
      });
      return result.stdout.toString('utf8');
    };
    assert.equal(await answerWith({ NODE_EXTRA_CA_CERTS: certificate }), 'the-key-of-the-operator /v1/x');
    assert.match(
      await answerWith({}),
      /cannot reach the model at localhost:\d+ \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    );
  },
);
