import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';

import type { Notice } from './protocol.ts';
import {
  ask,
  askWhole,
  closeOf,
  readWhole,
  sayRaw,
  serveTcp,
  serveTrialWayOut,
  serveUpstream,
  trialRelay,
  type TrialWayOut,
} from './test-way-out.ts';

/** A tunnel asked for: the connection, and what was answered. */
async function tunnel(
  t: TestContext,
  { socket }: TrialWayOut,
  target: string,
  rest = '',
): Promise<{ readonly client: Socket; readonly status: number; readonly said: string }> {
  const client = connect({ path: socket });
  t.after(() => client.destroy());
  client.on('error', () => {});
  client.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n${rest}`);
  let said = '';
  while (!said.includes('\r\n\r\n')) {
    const [part] = (await once(client, 'data')) as [Buffer];
    said += part.toString('latin1');
  }
  return { client, status: Number(said.slice(9, 12)), said };
}

const refusal = (host: string, port: number, reason: Notice['reason']): Notice => ({
  type: 'egress_refused',
  host,
  port,
  reason,
});

test(
  'a tunnel to an allowed host carries bytes both ways, and the end of either half',
  { timeout: 20_000 },
  async (t) => {
    const port = await serveTcp(t, (far) => {
      far.write('hello ');
      const parts: Buffer[] = [];
      far.on('data', (part) => parts.push(Buffer.from(part)));
      far.once('end', () => far.end(Buffer.concat(parts)));
    });
    const asked: string[] = [];
    const out = await serveTrialWayOut(
      t,
      { allow: [`registry.test:${port}`, `127.0.0.1:${port}`] },
      { resolve: (host) => Promise.resolve((asked.push(host), ['127.0.0.1'])) },
    );
    // What comes right behind the request belongs to the tunnel.
    const { client, status } = await tunnel(t, out, `Registry.TEST:${port}`, 'early ');
    assert.equal(status, 200);
    const answered = readWhole(client);
    client.end('\x16\x03\x01\0late');
    assert.ok((await answered).endsWith('early \x16\x03\x01\0late'));
    assert.deepEqual(asked, ['registry.test']);
    assert.deepEqual(out.notices, []);
  },
);

test(
  'a host that is not listed is refused before its name is resolved, and noted',
  { timeout: 20_000 },
  async (t) => {
    const asked: string[] = [];
    const out = await serveTrialWayOut(
      t,
      { allow: ['example.test', '*.packages.test'] },
      { resolve: (host) => Promise.resolve((asked.push(host), ['127.0.0.1'])) },
    );
    for (const target of ['secret.evil.test:443', 'example.test:22', 'packages.test:443']) {
      const { client, status, said } = await tunnel(t, out, target);
      assert.equal(status, 403);
      const [host, port] = target.split(':');
      assert.deepEqual(out.notices.at(-1), refusal(String(host), Number(port), 'not_allowed'));
      assert.match(said + (await readWhole(client)), /SLIPWAY_ALLOW_EGRESS/);
    }
    const plain = await askWhole(out.socket, { path: 'http://evil.test/x?y', method: 'POST', body: 'x' });
    assert.equal(plain.status, 403);
    assert.match(plain.body, /may not reach evil\.test:80.*SLIPWAY_ALLOW_EGRESS/);
    assert.deepEqual(out.notices.at(-1), refusal('evil.test', 80, 'not_allowed'));
    assert.equal(out.notices.length, 4);
    assert.deepEqual(asked, []);
  },
);

test('an allowed name that leads to a private address is refused', { timeout: 20_000 }, async (t) => {
  const addresses = new Map<string, readonly string[]>([
    ['metadata.test', ['169.254.169.254']],
    ['mapped.test', ['::ffff:127.0.0.1']],
    ['both.test', ['10.0.0.1', 'fd00::1']],
  ]);
  const out = await serveTrialWayOut(
    t,
    { allow: ['*.test'] },
    { resolve: (host) => Promise.resolve(addresses.get(host) ?? []) },
  );
  for (const host of addresses.keys()) {
    const { status } = await tunnel(t, out, `${host}:443`);
    assert.equal(status, 403);
    assert.deepEqual(out.notices.at(-1), refusal(host, 443, 'private_address'));
    assert.equal((await askWhole(out.socket, { path: `http://${host}/` })).status, 403);
  }
  const nowhere = await tunnel(t, out, 'nowhere.test:443');
  assert.equal(nowhere.status, 502);
});

test('a name that changes its mind is connected to where it was judged', { timeout: 20_000 }, async (t) => {
  const { port } = await serveUpstream(
    t,
    (incoming, answer) => void answer.end(String(incoming.headers.host)),
  );
  let times = 0;
  const out = await serveTrialWayOut(
    t,
    { allow: [`rebinding.test:${port}`, `127.0.0.1:${port}`] },
    { resolve: () => Promise.resolve((times += 1) === 1 ? ['127.0.0.1'] : ['127.0.0.9']) },
  );
  const first = await askWhole(out.socket, { path: `http://rebinding.test:${port}/` });
  assert.deepEqual([first.status, first.body, times], [200, `rebinding.test:${port}`, 1]);
  // Judged anew, and not by what was true once.
  assert.equal((await askWhole(out.socket, { path: `http://rebinding.test:${port}/` })).status, 403);
  assert.deepEqual([times, out.notices.length], [2, 1]);
});

test('an address in any spelling is refused unless it is listed itself', { timeout: 20_000 }, async (t) => {
  const port = await serveTcp(t, (far) => far.end('here'));
  const closed = await serveTrialWayOut(t, { allow: ['*', '*.1', 'localhost.test'] });
  for (const host of [
    '127.0.0.1',
    '127.1',
    '0x7f000001',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    'localhost',
  ]) {
    assert.equal((await tunnel(t, closed, `${host}:${port}`)).status, 403, host);
  }
  const open = await serveTrialWayOut(t, { allow: [`127.0.0.1:${port}`] });
  assert.equal((await tunnel(t, open, `127.1:${port}`)).status, 200);
  assert.equal((await tunnel(t, open, `localhost:${port}`)).status, 403);
  assert.equal((await tunnel(t, open, `127.0.0.2:${port}`)).status, 403);
  const named = await serveTrialWayOut(t, { allow: [`localhost:${port}`] });
  assert.equal((await tunnel(t, named, `localhost:${port}`)).status, 200);
  assert.equal((await tunnel(t, named, `127.0.0.1:${port}`)).status, 403);
});

test(
  'a plain request reaches its host with its own header of that name, streamed',
  { timeout: 20_000 },
  async (t) => {
    const seen: unknown[] = [];
    const { port } = await serveUpstream(t, (incoming, answer) => {
      seen.push([incoming.method, incoming.url, incoming.headers.host, incoming.headers['proxy-connection']]);
      incoming.pipe(answer);
    });
    const out = await serveTrialWayOut(t, { allow: [`127.0.0.1:${port}`] });
    const { status, body } = await askWhole(out.socket, {
      path: `HTTP://127.0.0.1:${port}?a=b`,
      method: 'PUT',
      headers: { host: 'evil.test', 'proxy-connection': 'keep-alive' },
      body: 'content',
    });
    assert.deepEqual([status, body], [200, 'content']);
    assert.deepEqual(seen, [['PUT', '/?a=b', `127.0.0.1:${port}`, undefined]]);
  },
);

test(
  'other schemes are refused and noted, and what is no address is wrong',
  { timeout: 20_000 },
  async (t) => {
    const out = await serveTrialWayOut(t, { allow: ['example.test'] });
    assert.equal((await askWhole(out.socket, { path: 'https://example.test/x' })).status, 403);
    assert.equal((await askWhole(out.socket, { path: 'ftp://example.test:21/x' })).status, 403);
    assert.deepEqual(out.notices, [
      refusal('example.test', 443, 'not_http'),
      refusal('example.test', 21, 'not_http'),
    ]);
    for (const path of ['http://', 'http://user@example.test/', 'http://a\\@b/', 'x', '*']) {
      const said = await sayRaw(out.socket, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      assert.match(said, /^HTTP\/1\.1 400 /, path);
    }
    for (const target of ['example.test', '/anthropic', 'http://example.test/', 'a@example.test:443']) {
      const said = await sayRaw(out.socket, `CONNECT ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
      assert.match(said, /^HTTP\/1\.1 400 /, target);
    }
    assert.match(await sayRaw(out.socket, 'SSH-2.0-OpenSSH_9.9\r\n'), /^HTTP\/1\.1 400 /);
    assert.equal((await askWhole(out.socket, { path: '/' })).status, 404);
    assert.equal(out.notices.length, 2);
  },
);

test(
  'a host that is allowed and does not answer is told apart from one that is refused',
  { timeout: 20_000 },
  async (t) => {
    const out = await serveTrialWayOut(
      t,
      { allow: ['127.0.0.1:1', 'slow.test'] },
      { connectMs: 150, resolve: () => new Promise(() => {}) },
    );
    const closed = await tunnel(t, out, '127.0.0.1:1');
    assert.equal(closed.status, 502);
    assert.match(
      closed.said + (await readWhole(closed.client)),
      /127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)/,
    );
    assert.equal((await askWhole(out.socket, { path: 'http://127.0.0.1:1/' })).status, 502);
    assert.equal((await tunnel(t, out, 'slow.test:443')).status, 502);
    assert.deepEqual(out.notices, []);
  },
);

test('a tunnel without a byte is closed, and one that is used is not', { timeout: 20_000 }, async (t) => {
  const port = await serveTcp(t, (far) => void far.pipe(far));
  const out = await serveTrialWayOut(t, { allow: [`127.0.0.1:${port}`] }, { idleMs: 200 });
  const { client } = await tunnel(t, out, `127.0.0.1:${port}`);
  const startedAt = performance.now();
  for (let times = 0; times < 8; times += 1) {
    client.write('x');
    await once(client, 'data');
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  assert.equal(client.destroyed, false);
  await once(client, 'close');
  assert.ok(performance.now() - startedAt > 600);
});

test('an end of the way out breaks off all that goes through it', { timeout: 20_000 }, async (t) => {
  const gone = new EventEmitter();
  const port = await serveTcp(t, (far) => {
    far.resume();
    far.once('close', () => gone.emit('tunnel'));
  });
  const model = await serveUpstream(t, (incoming, answer) => {
    incoming.resume();
    answer.write('data: 1\n\n');
    answer.once('close', () => gone.emit('stream'));
  });
  const out = await serveTrialWayOut(t, { allow: [`127.0.0.1:${port}`], relays: [trialRelay(model.port)] });
  const { client, status } = await tunnel(t, out, `127.0.0.1:${port}`);
  assert.equal(status, 200);
  const stream = await ask(out.socket, { path: '/anthropic/x', method: 'POST', body: 'x' });
  const both = Promise.all([once(gone, 'stream'), closeOf(client), closeOf(stream)]);
  out.close();
  await both;
  assert.equal(stream.complete, false);
  await assert.rejects(ask(out.socket, { path: '/' }), { code: 'ENOENT' });
});

test('no more connections are taken than a supervisor can hold', { timeout: 20_000 }, async (t) => {
  const out = await serveTrialWayOut(t, {});
  let closed = 0;
  const enough = Promise.withResolvers<void>();
  const clients = Array.from({ length: 270 }, () => {
    const client = connect({ path: out.socket });
    void closeOf(client).then(() => (closed += 1) === 14 && enough.resolve());
    return client;
  });
  t.after(() => clients.forEach((client) => client.destroy()));
  const [first] = clients;
  assert.ok(first !== undefined);
  await enough.promise;
  first.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  assert.match(await readWhole(first), /^HTTP\/1\.1 404 /);
});
