import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { runCommand } from '../lib/child-process.ts';
import { textField } from '../lib/json-fields.ts';
import { Secret } from '../lib/secret.ts';
import { needText } from './forge-answer.ts';
import type { ForgeCall, ForgeHttpOptions } from './forge-call.ts';
import { createForgeHttp, type ForgeHttp } from './forge-http.ts';
import { ForgeError, type ForgeErrorCode } from './forge.ts';

const token = new Secret('the-token-of-this-test');

type Door = {
  readonly http: ForgeHttp;
  readonly url: string;
  /** `METHOD /path`, and the token that came along. */
  readonly requests: readonly { readonly line: string; readonly token: string | undefined }[];
};

type Answer = (request: IncomingMessage, response: ServerResponse, number: number) => void;

/** A forge that is one function, and the core in front of it. */
async function openDoor(
  t: TestContext,
  answer: Answer,
  options: Partial<ForgeHttpOptions> = {},
): Promise<Door> {
  const requests: { line: string; token: string | undefined }[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const given = request.headers['x-token'];
    const line = `${request.method} ${request.url}`;
    requests.push({ line, token: typeof given === 'string' ? given : undefined });
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = createForgeHttp({
    forge: 'github',
    label: 'Forge',
    apiUrl: `${url}/api`,
    version: '1.2.3',
    headersOf: (given): Readonly<Record<string, string>> =>
      given === undefined ? {} : { 'x-token': given.reveal() },
    limitHeaders: { remaining: 'x-left', reset: 'x-reset' },
    isLimited: ({ status }) => status === 429,
    explain: () => ({ code: 'refused', why: 'it was refused.' }),
    wordsOf: (body) => textField(body, 'message'),
    ...options,
  });
  return { http, url, requests };
}

const read = (changes: Partial<ForgeCall> = {}): ForgeCall => ({
  operation: 'read',
  doing: 'read the thing',
  path: '/thing',
  token,
  signal: AbortSignal.timeout(60_000),
  ...changes,
});
const write = (): ForgeCall => read({ operation: 'write', method: 'POST', body: { a: 1 } });
const nameOf = (body: unknown): string => needText(body, 'name');
const fine: Answer = (_request, response) => void response.end('{"name":"thing"}');

async function refused(call: Promise<unknown>, code: ForgeErrorCode): Promise<ForgeError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ForgeError, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(!`${error.stack}`.includes(token.reveal()));
  return error;
}

test('a request says who asks, and its query and body go as they were given', async (t) => {
  let seen: IncomingMessage | undefined;
  const { http, requests } = await openDoor(t, (request, response, number) => {
    seen = request;
    fine(request, response, number);
  });
  const query = { q: 'a b&c=d', page: 2, open: true, none: undefined };
  assert.equal(await http.ask(read({ query }), nameOf), 'thing');
  assert.equal(requests[0]?.line, 'GET /api/thing?q=a+b%26c%3Dd&page=2&open=true');
  assert.equal(seen?.headers['user-agent'], 'slipway/1.2.3');
});

for (const status of [301, 302, 307, 308]) {
  test(`a read follows ${status} within the origin, and nowhere else`, async (t) => {
    const elsewhere = await openDoor(t, fine);
    const { http, requests } = await openDoor(t, (request, response, number) => {
      if (request.url === '/api/thing') response.writeHead(status, { location: '/other' }).end();
      else if (request.url === '/api/leave')
        response.writeHead(status, { location: `${elsewhere.url}/api/thing` }).end();
      else fine(request, response, number);
    });
    assert.equal(await http.ask(read(), nameOf), 'thing');
    assert.deepEqual(requests.at(-1), { line: 'GET /other', token: token.reveal() });
    await refused(http.ask(read({ path: '/leave' }), nameOf), 'unavailable');
    assert.deepEqual(elsewhere.requests, []);
  });
}

test('a redirect of what changes something is not followed, and one in circles ends', async (t) => {
  const { http, requests } = await openDoor(t, (_request, response) => {
    response.writeHead(307, { location: '/api/thing' }).end();
  });
  await refused(http.send(write()), 'unavailable');
  assert.equal(requests.length, 1);
  await refused(http.send(read()), 'unavailable');
  assert.ok(requests.length < 8, `${requests.length} requests`);
});

test('a short wait that the forge asks for is kept, and a long one is left to the caller', async (t) => {
  const waits = ['1', '120'];
  const { http, requests } = await openDoor(t, (request, response, number) => {
    const wait = waits[number - 1];
    if (wait === undefined) fine(request, response, number);
    else response.writeHead(503, { 'retry-after': wait }).end();
  });
  const start = performance.now();
  const error = await refused(http.ask(read(), nameOf), 'unavailable');
  assert.ok(performance.now() - start >= 990, 'it waited for a second');
  assert.equal(error.retryAfterMs, 120_000);
  assert.equal(requests.length, 2);
});

test('an answer that is too large or comes too late is unavailable, and not asked for again', async (t) => {
  const limits = { timeMs: 300, bytes: 1_000 };
  const large = await openDoor(t, (_request, response) => void response.end(`"${'x'.repeat(2_000)}"`), {
    limits,
  });
  assert.match((await refused(large.http.send(read()), 'unavailable')).message, /more than 1000 bytes/u);
  const silent = await openDoor(t, (_request, response) => void response.write('{'), { limits });
  assert.match((await refused(silent.http.send(read()), 'unavailable')).message, /within 0\.3 s/u);
  assert.deepEqual([large.requests.length, silent.requests.length], [1, 1]);
});

test('a host where nobody listens is unavailable, with the reason', async (t) => {
  const { port } = await new Promise<AddressInfo>((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address() as AddressInfo;
      server.close(() => resolve(address));
    });
  });
  const closed = await openDoor(t, fine, { apiUrl: `http://127.0.0.1:${port}` });
  assert.match((await refused(closed.http.send(write()), 'unavailable')).message, /ECONNREFUSED/u);
  // fetch has a list of ports that it never asks.
  const forbidden = await openDoor(t, fine, { apiUrl: 'http://127.0.0.1:1' });
  assert.match((await refused(forbidden.http.send(write()), 'unavailable')).message, /bad port/u);
});

test('a certificate that is not trusted is said with its remedy, and not tried again', async (t) => {
  const folder = await temporaryFolder(t);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const request = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1'.split(' ');
  const made = await runCommand({
    file: 'openssl',
    args: [...request, '-keyout', key, '-out', cert],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    cwd: folder,
    maxOutputBytes: 10_000,
    timeoutMs: 30_000,
    signal: AbortSignal.timeout(30_000),
  });
  assert.equal(made.code, 0, made.stderr);
  let connections = 0;
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const apiUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { http } = await openDoor(t, fine, { apiUrl });
  assert.match((await refused(http.send(read()), 'unavailable')).message, /NODE_EXTRA_CA_CERTS/u);
  assert.equal(connections, 1);
});

test('what is asked by its tag is read anew once it has changed', async (t) => {
  let etag = '"1"';
  const { http } = await openDoor(t, (request, response) => {
    const isSame = request.headers['if-none-match'] === etag;
    response.writeHead(isSame ? 304 : 200, { etag });
    response.end(isSame ? undefined : `{"name":${etag}}`);
  });
  const names = [await http.ask(read(), nameOf), await http.ask(read(), nameOf)];
  etag = '"2"';
  assert.deepEqual([...names, await http.ask(read(), nameOf)], ['1', '1', '2']);
});

test('the observer hears of every request, of those without an answer too', async (t) => {
  const seen: unknown[] = [];
  const { http } = await openDoor(
    t,
    (request, response, number) => {
      if (number === 1) request.socket.destroy();
      else response.writeHead(200, { 'x-left': '41' }).end('{"name":"thing"}');
    },
    { observe: ({ ms, ...rest }) => void seen.push({ ...rest, isTime: ms > 0 }) },
  );
  await http.ask(read(), nameOf);
  const about = { forge: 'github', operation: 'read', isTime: true };
  assert.deepEqual(seen, [
    { ...about, status: 0, rateLimitRemaining: undefined },
    { ...about, status: 200, rateLimitRemaining: 41 },
  ]);
});

test('a token is left alone until its limit is over, and then used again', async (t) => {
  let now = 1_000_000;
  const { http, requests } = await openDoor(
    t,
    (request, response, number) => {
      if (number === 1) response.writeHead(429, { 'retry-after': '7' }).end('{}');
      else fine(request, response, number);
    },
    { clock: { now: () => now } },
  );
  assert.equal((await refused(http.send(read()), 'rate_limited')).retryAfterMs, 7_000);
  now += 6_000;
  assert.equal((await refused(http.send(write()), 'rate_limited')).retryAfterMs, 1_000);
  assert.equal(requests.length, 1);
  now += 1_000;
  assert.equal(await http.ask(read(), nameOf), 'thing');
});

test('the token is in no message, in whatever form the forge repeats it', async (t) => {
  const value = 'glpat-a+b/c"d=e%f';
  const forms = [value, encodeURIComponent(value), JSON.stringify(value), btoa(value)];
  const { http } = await openDoor(t, (_request, response) => {
    response.writeHead(400).end(JSON.stringify({ message: `no: ${forms.join(' | ')}` }));
  });
  const call = read({ token: new Secret(value), doing: `read ${value}` });
  const error = await refused(http.ask(call, nameOf), 'refused');
  const said = `${error.message} ${error.stack}`;
  for (const form of forms) assert.ok(!said.includes(form.replaceAll(/[="]+$/gu, '')), said);
});
