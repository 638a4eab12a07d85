import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Secret } from '../lib/secret.ts';
import { StepFailure } from '../workflows/step-failure.ts';
import { answerMaxBytes } from '../workflows/select-protocol.ts';
import type { FetchOrder } from '../workflows/step-order.ts';
import type { FetchKey } from './fetch-key.ts';
import { createFetchStep, type FetchDeps } from './workflow-fetch.ts';

const about = { ownerId: 'an owner', effectId: '0190c0de-0000-7000-8000-000000000001' };
const never = new AbortController().signal;
const token = 'ghp_a-token-that-is-told-to-nobody';

const order = (url: string, more: Partial<FetchOrder> = {}): FetchOrder => ({
  kind: 'fetch',
  url,
  method: 'GET',
  headers: {},
  timeoutMs: 20_000,
  outputs: {},
  ...more,
});

/** A step that may go to `allow`; a key that it asks for opens for any address. */
function step(allow: readonly string[], more: Partial<FetchDeps> = {}) {
  return createFetchStep({ openKey: anyKey, allowPrivate: allow, version: '1.2.3', ...more });
}

async function anyKey({ url }: { readonly url: URL }): Promise<FetchKey> {
  const header = { name: 'Authorization', value: `Bearer ${token}` };
  return { token: new Secret(token), header, url, host: url.host };
}

type Place = { readonly url: string; readonly host: string; readonly seen: readonly IncomingMessage[] };

async function listen(t: TestContext, listener: RequestListener): Promise<Place> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}`, host, seen };
}

/** Somebody who always says the same. */
const saying = (
  t: TestContext,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
): Promise<Place> => listen(t, (_, response) => void response.writeHead(status, headers).end(body));

async function failureOf(sent: Promise<unknown>): Promise<string> {
  const error: unknown = await sent.then(
    () => assert.fail('the step has not failed'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StepFailure, String(error));
  assert.ok(!error.message.includes(token), error.message);
  return error.message;
}

test('what the step selects comes out of the answer', async (t) => {
  const { url, host } = await saying(
    t,
    201,
    '{"title":"It is slow","labels":[{"name":"bug"},{"name":"ui"}]}',
  );
  const outputs = { title: '$.title', labels: '$.labels[*].name' };
  assert.deepEqual(await step([host])(order(url, { outputs }), about, never), {
    title: 'It is slow',
    labels: ['bug', 'ui'],
  });
});

test('a request is sent as its author wrote it, and only one that changes things has a key to know it by', async (t) => {
  const sent: unknown[] = [];
  const { url, host } = await listen(t, (request, response) => {
    const { connection: _, host: __, ...headers } = request.headers;
    void text(request).then((body) => {
      sent.push([request.method, request.url, headers, body]);
      response.end();
    });
  });
  const send = step([host]);
  const usual = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'Slipway/1.2.3' };
  await send(order(`${url}/a?b=c#d`), about, never);
  await send(order(url, { method: 'DELETE' }), about, never);
  const headers = { ACCEPT: 'text/plain', 'X-Mine': 'yes', 'idempotency-key': 'mine' };
  await send(order(url, { method: 'POST', headers, body: '{"ü":1}' }), about, never);
  assert.deepEqual(sent, [
    ['GET', '/a?b=c', usual, ''],
    ['DELETE', '/', { ...usual, 'idempotency-key': about.effectId }, ''],
    [
      'POST',
      '/',
      {
        ...usual,
        accept: 'text/plain',
        'content-type': 'application/json',
        'content-length': '8',
        'x-mine': 'yes',
        'idempotency-key': 'mine',
      },
      '{"ü":1}',
    ],
  ]);
});

test('an address that is not public is refused before anything is sent', async (t) => {
  const { url, host, seen } = await saying(t, 200, '{}');
  const { port } = new URL(url);
  const loopback = step([], { resolve: async () => ['127.0.0.1'] });
  const refused = [
    url,
    `http://localhost:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://2130706433:${port}/`,
    `http://rebound.example:${port}/`,
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    'http://10.0.0.1/',
  ];
  for (const address of refused) {
    const message = await failureOf(loopback(order(address), about, never));
    assert.match(message, /public.*SLIPWAY_ALLOW_PRIVATE_ADDRESSES/u, address);
    assert.doesNotMatch(message, /meta-data/u);
  }
  assert.equal(seen.length, 0);
  assert.deepEqual(await step([host])(order(url), about, never), {});
});

test('what is no address of the web, or has a password in it, is refused', async () => {
  for (const address of ['app', 'file:///etc/passwd', 'ftp://example.com/', 'http://']) {
    assert.equal(await failureOf(step([])(order(address), about, never)), 'url: must be a valid URL');
  }
  const message = await failureOf(step([])(order('https://ada:hunter2@example.com/'), about, never));
  assert.match(message, /^url: has a user name or a password/u);
  assert.doesNotMatch(message, /hunter2/u);
});

test('a receiver that is slow, endless or breaks off is given up', async (t) => {
  const silent = await listen(t, () => undefined);
  const endless = await listen(t, (_, response) => {
    response.writeHead(200).flushHeaders();
    response.write('[');
  });
  const short = { timeoutMs: 100, outputs: { all: '$' } };
  const slow = await failureOf(step([silent.host])(order(silent.url, short), about, never));
  assert.match(slow, /did not answer in time \(the step has 0\.1 s\)/u);
  const cut = await failureOf(step([endless.host])(order(endless.url, short), about, never));
  assert.match(cut, /broke off, or took longer than 0\.1 s/u);
  const broken = await listen(t, (request, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('[1,', () => request.socket.destroy());
  });
  assert.match(await failureOf(step([broken.host])(order(broken.url), about, never)), /broke off/u);
});

test('whoever is not wanted any more is not waited for', async (t) => {
  const leaving = new AbortController();
  const silent = await listen(t, () => leaving.abort(new Error('the run was cancelled')));
  await assert.rejects(
    step([silent.host])(order(silent.url), about, leaving.signal),
    /the run was cancelled/u,
  );
});

test('an answer is read as a whole or not at all', async (t) => {
  const begin = '[7,"';
  const most = `${begin}${'x'.repeat(answerMaxBytes - begin.length - 2)}"]`;
  const outputs = { first: '$[0]' };
  const fits = await saying(t, 200, most);
  assert.deepEqual(await step([fits.host])(order(fits.url, { outputs }), about, never), {
    first: 7,
  });
  const tooLong = await saying(t, 200, `${most} `);
  for (const wanted of [outputs, {}]) {
    const sent = step([tooLong.host])(order(tooLong.url, { outputs: wanted }), about, never);
    assert.match(await failureOf(sent), /longer than 1 MB/u);
  }
});

test('outputs are wanted of JSON that is not compressed; without them nothing is read', async (t) => {
  const outputs = { all: '$' };
  const html = await saying(t, 200, '<html>hello</html>', { 'content-type': 'text/html' });
  const empty = await saying(t, 204, '');
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const zipped = await saying(t, 200, gzipSync('{}'), headers);
  const send = step([html.host, empty.host, zipped.host]);
  assert.match(await failureOf(send(order(html.url, { outputs }), about, never)), /JSON/u);
  assert.match(await failureOf(send(order(empty.url, { outputs }), about, never)), /204 without a body/u);
  const head = order(zipped.url, { outputs, method: 'HEAD' });
  for (const wanted of [order(zipped.url, { outputs }), head]) {
    assert.match(await failureOf(send(wanted, about, never)), /compressed, which was not asked for/u);
  }
  for (const { url } of [html, zipped]) assert.deepEqual(await send(order(url), about, never), {});
  assert.deepEqual(await send(order(empty.url), about, never), {});
  assert.deepEqual(await send(order(html.url, { method: 'HEAD' }), about, never), {});
});

test('a failure is told with its status and the beginning of what was said, and no page', async (t) => {
  const page = await saying(t, 404, '<!DOCTYPE html><p>lost', { 'content-type': 'text/html; charset=utf-8' });
  const bare = await saying(t, 500, ' <p>lost', {});
  const long = await saying(t, 422, `{"message":\n "${'no '.repeat(200)}"}`);
  const send = step([page.host, bare.host, long.host]);
  assert.equal(await failureOf(send(order(page.url), about, never)), `${page.host} answered 404 Not Found`);
  assert.match(await failureOf(send(order(bare.url), about, never)), /answered 500 Internal Server Error$/u);
  const message = await failureOf(send(order(long.url), about, never));
  assert.match(message, /answered 422 Unprocessable Entity: \{"message": "no no [no ]*…$/u);
  assert.ok(message.length < 300, message);
});

test('a redirect is not followed, and takes the key nowhere', async (t) => {
  const elsewhere = await saying(t, 200, '{}');
  for (const status of [301, 302, 307, 308]) {
    const door = await listen(t, (_, response) => {
      response.writeHead(status, { location: `${elsewhere.url}/${token}` }).end();
    });
    const sent = step([door.host, elsewhere.host])(order(door.url, { keyName: 'mine' }), about, never);
    assert.match(await failureOf(sent), new RegExp(`answered ${status} .*redirects are not followed`, 'u'));
    assert.equal(door.seen[0]?.headers.authorization, `Bearer ${token}`);
  }
  assert.equal(elsewhere.seen.length, 0);
});

test("a key opens its provider's private address, and what it may not do nothing else does", async (t) => {
  const { url, seen } = await saying(t, 200, '{}');
  assert.deepEqual(await step([])(order(url, { keyName: 'mine' }), about, never), {});
  const refused = step([], {
    openKey: () => Promise.reject(new StepFailure('mine is for another')),
  });
  assert.equal(
    await failureOf(refused(order(url, { keyName: 'mine' }), about, never)),
    'mine is for another',
  );
  const twice = order(url, { keyName: 'mine', headers: { authorization: 'Basic eDp5' } });
  assert.match(await failureOf(step([])(twice, about, never)), /^headers\.Authorization: is the header of/u);
  assert.equal(seen.length, 1);
});

test("neither a key nor what the author's headers and address hold is told again", async (t) => {
  const headers = { 'X-Api-Key': 'another-secret', 'Proxy-Token': 'Basic c2VjcmV0LWluLWJhc2U2NA==' };
  const echo = await listen(t, (request, response) => {
    const own = [request.url, ...Object.values(request.headers)];
    const body = { token: request.headers.authorization, own };
    response.writeHead(request.url?.startsWith('/bad') === true ? 400 : 200).end(JSON.stringify(body));
  });
  const bad = order(`${echo.url}/bad?api_key=a-third-secret`, { keyName: 'mine', headers });
  const message = await failureOf(step([])(bad, about, never));
  assert.match(message, /400 Bad Request: .*\[secret\]/u);
  assert.doesNotMatch(message, /another-secret|a-third-secret|c2VjcmV0/u);
  const good = order(echo.url, { keyName: 'mine', outputs: { token: '$.token' } });
  assert.deepEqual(await step([])(good, about, never), { token: 'Bearer [secret]' });
});

test('a header that is not for authors, or would be two, is refused by its name', async (t) => {
  const { url, host, seen } = await saying(t, 200, '{}');
  const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ Host: 'evil.example' }, /^headers\.Host: is set by Slipway itself$/u],
    [{ 'content-LENGTH': '1' }, /^headers\.content-LENGTH: is set by/u],
    [{ 'Transfer-Encoding': 'chunked' }, /^headers\.Transfer-Encoding: is set by/u],
    [{ Connection: 'keep-alive' }, /^headers\.Connection: is set by/u],
    [{ 'Accept-Encoding': 'gzip' }, /^headers\.Accept-Encoding: is set by/u],
    [{ 'X-A': 'secret\r\nX-B: c' }, /^headers\.X-A: holds a character that a header cannot$/u],
    [{ 'X-A': 'secret\u0100' }, /^headers\.X-A: holds a character/u],
    [{ 'X-A: b\r\nX-B': 'secret' }, /^headers: a name is none that HTTP knows$/u],
  ];
  for (const [headers, words] of refused) {
    const message = await failureOf(step([host])(order(url, { headers }), about, never));
    assert.match(message, words);
    assert.doesNotMatch(message, /secret/u);
  }
  assert.equal(seen.length, 0);
});
