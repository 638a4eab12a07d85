import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startStandIn } from '../test/stand-in.ts';
import { createClient, type Client } from './client.ts';
import { ApiError, ConnectionError } from './errors.ts';
import type { Timing } from './timing.ts';

const created = { id: 't', status: 'pending', created_at: '2026-02-26T18:38:10.277Z' };
const input = { repo_url: 'https://example.com/a.git', prompt: 'Fix it' };

function clientOf(baseUrl: string, timing: Partial<Timing> = {}): Client {
  return createClient({
    baseUrl,
    token: 'secret',
    timing: { backoffFirstMs: 1, backoffMaxMs: 2, ...timing },
  });
}

test('a creation is repeated under one key when the connection breaks or a proxy has no answer', async (t) => {
  const { url, seen } = await startStandIn(
    t,
    (response) => response.destroy(),
    (response) => response.writeHead(502).end('<html>bad gateway</html>'),
    json(201, created),
  );
  assert.deepEqual(await clientOf(url).tasks.create(input), created);
  const keys = seen.map(({ headers }) => headers['idempotency-key']);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.match(String(keys[0]), /^[0-9a-f-]{36}$/u);
  assert.deepEqual(JSON.parse(seen[2]?.body ?? ''), input);
});

test("the caller's own key is sent", async (t) => {
  const { url, seen } = await startStandIn(t, json(201, created));
  await clientOf(url).tasks.create(input, { idempotencyKey: 'mine' });
  assert.equal(seen[0]?.headers['idempotency-key'], 'mine');
});

test('an instruction is repeated under one key', async (t) => {
  const answer = { id: 't', status: 'awaiting_instruction', iteration: 2 };
  const { url, seen } = await startStandIn(t, (response) => response.destroy(), json(200, answer));
  assert.deepEqual(await clientOf(url).tasks.instruct('t', 'more'), answer);
  assert.equal(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size, 1);
  assert.deepEqual([seen[1]?.url, seen[1]?.body], ['/api/v1/tasks/t/instruct', '{"prompt":"more"}']);
});

test('a review is asked for under one key, and posted as often as it takes', async (t) => {
  const taken = { id: 't', status: 'reviewing' };
  const posted = { review_url: 'https://example.com/a/pull/42#r1', comments_posted: 3, pr_number: 42 };
  const { url, seen } = await startStandIn(
    t,
    (response) => response.destroy(),
    json(202, taken),
    (response) => response.destroy(),
    json(200, posted),
    json(200, posted),
  );
  const { tasks } = clientOf(url);
  assert.deepEqual(await tasks.review('t', { cli: 'codex' }), taken);
  assert.deepEqual(await tasks.postReview('t', { pr_number: 42 }), posted);
  assert.deepEqual(await tasks.postReview('t'), posted);
  assert.deepEqual(
    seen.map(({ url: path, body }) => `${path} ${body}`),
    [
      ...Array.from({ length: 2 }, () => '/api/v1/tasks/t/review {"cli":"codex"}'),
      ...Array.from({ length: 2 }, () => '/api/v1/tasks/t/post-review {"pr_number":42}'),
      '/api/v1/tasks/t/post-review {}',
    ],
  );
  const keys = seen.map(({ headers }) => headers['idempotency-key']);
  assert.match(String(keys[0]), /^[0-9a-f-]{36}$/u);
  assert.deepEqual(keys.slice(1), [keys[0], undefined, undefined, undefined]);
});

test('questions are listed by task and of all, and answered once', async (t) => {
  const { url, seen } = await startStandIn(
    t,
    json(200, { approvals: [] }),
    json(200, { approvals: [] }),
    (response) => response.destroy(),
  );
  const client = clientOf(url);
  await client.tasks.approvals('t', { state: 'waiting' });
  await client.approvals();
  await assert.rejects(
    client.tasks.answer('t', 'a', { decision: 'deny', reason: 'no' }),
    ConnectionError,
    'whether the answer was taken is not known',
  );
  await assert.rejects(async () => client.tasks.answer('t', '..', { decision: 'allow' }), TypeError);
  assert.deepEqual(
    seen.map(({ method, url: path, body }) => `${method} ${path} ${body}`.trim()),
    [
      'GET /api/v1/tasks/t/approvals?state=waiting',
      'GET /api/v1/approvals',
      'POST /api/v1/tasks/t/approvals/a {"decision":"deny","reason":"no"}',
    ],
  );
});

test('a cancellation is not repeated when the connection breaks', async (t) => {
  const { url, seen } = await startStandIn(t, (response) => response.destroy());
  await assert.rejects(clientOf(url).tasks.cancel('t'), ConnectionError);
  assert.equal(seen.length, 1);
});

test('a cancellation says whether waiting tasks are meant too', async (t) => {
  const { url, seen } = await startStandIn(t, json(200, { id: 't', status: 'canceling', message: 'ok' }));
  await clientOf(url).tasks.cancel('t');
  await clientOf(url).tasks.cancel('t', { queued: true });
  assert.deepEqual(
    seen.map(({ body }) => body),
    ['{}', '{"queued":true}'],
  );
});

test('a 429 is waited out within the bound, and is the caller’s beyond it', async (t) => {
  const body = { error: 'rate_limit_exceeded', message: 'too many tasks' };
  const short = await startStandIn(t, json(429, body, { 'retry-after': '0' }), json(201, created));
  assert.deepEqual(await clientOf(short.url).tasks.create(input), created);

  const long = await startStandIn(t, json(429, body, { 'retry-after': '50' }));
  await assert.rejects(clientOf(long.url).tasks.create(input), {
    name: 'ApiError',
    status: 429,
    error: 'rate_limit_exceeded',
    retryAfter: 50,
  });
  assert.equal(long.seen.length, 1);
});

test('Retry-After decides how long the next try waits', async (t) => {
  const { url } = await startStandIn(
    t,
    json(503, {}, { 'retry-after': '1' }),
    json(200, { tasks: [], total: 0 }),
  );
  const startedAt = performance.now();
  await clientOf(url).tasks.list();
  assert.ok(performance.now() - startedAt >= 990);
});

test('a refusal carries everything that the server said', async (t) => {
  const { url } = await startStandIn(
    t,
    json(
      400,
      { error: 'Bad Request', message: 'prompt: field is required', fields: { prompt: 'field is required' } },
      { 'x-request-id': 'r-1' },
    ),
  );
  await assert.rejects(clientOf(url).tasks.create({ ...input, prompt: '' }), (error) => {
    assert.ok(error instanceof ApiError);
    const { status, error: kind, message, fields, retryAfter, requestId } = error;
    assert.deepEqual(
      { status, kind, message, fields, retryAfter, requestId },
      {
        status: 400,
        kind: 'Bad Request',
        message: 'prompt: field is required',
        fields: { prompt: 'field is required' },
        retryAfter: undefined,
        requestId: 'r-1',
      },
    );
    return true;
  });
});

test('an error body that is not JSON still tells the status', async (t) => {
  const { url } = await startStandIn(t, (response) => response.writeHead(500).end('<h1>oops</h1>'));
  await assert.rejects(clientOf(url).tasks.get('t'), {
    status: 500,
    message: 'HTTP 500 Internal Server Error',
  });
});

test('an answer that the API never gives is said to be none, once', async (t) => {
  const garbage = await startStandIn(t, (response) => response.end('hello'));
  await assert.rejects(clientOf(garbage.url).tasks.list(), /does not answer like a Slipway server/u);
  const elsewhere = await startStandIn(t, (response) =>
    response.writeHead(301, { location: 'https://example.com/' }).end(),
  );
  await assert.rejects(clientOf(elsewhere.url).tasks.list(), /redirects to https:\/\/example\.com\//u);
  assert.equal(garbage.seen.length + elsewhere.seen.length, 2);
});

test('a server that does not answer in time is a ConnectionError', async (t) => {
  const { url, seen } = await startStandIn(t, () => {});
  const client = clientOf(url, { requestMs: 40, tries: 2 });
  await assert.rejects(client.tasks.list(), {
    name: 'ConnectionError',
    message: /no answer within 0\.04 s/u,
  });
  assert.equal(seen.length, 2);
});

test('a body that breaks off is read again', async (t) => {
  const { url } = await startStandIn(
    t,
    (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"tasks":[', () => response.destroy());
    },
    json(200, { tasks: [], total: 0 }),
  );
  assert.deepEqual(await clientOf(url).tasks.list(), { tasks: [], total: 0 });
});

test('the signal ends a request, and a wait between two tries', async (t) => {
  const reason = new Error('enough');
  const { url } = await startStandIn(t, () => {});
  await assert.rejects(clientOf(url).tasks.list({}, { signal: AbortSignal.abort(reason) }), reason);
  const stop = new AbortController();
  const asking = clientOf(url).tasks.list({}, { signal: stop.signal });
  setImmediate(() => stop.abort(reason));
  await assert.rejects(asking, reason);
});

test('lists are asked for with what was given only, and a path in front of the API is kept', async (t) => {
  const { url, seen } = await startStandIn(t, json(200, { tasks: [], total: 0 }));
  await clientOf(`${url}/slipway/`).tasks.list({ status: 'failed', limit: 5 });
  assert.equal(seen[0]?.url, '/slipway/api/v1/tasks?status=failed&limit=5');
});

test('a diff arrives to the byte, or as text', async (t) => {
  const { url } = await startStandIn(t, (response) => response.end(Buffer.from([0x2b, 0xe9, 0x0a])));
  assert.deepEqual([...(await clientOf(url).tasks.diffBytes('t'))], [0x2b, 0xe9, 0x0a]);
  assert.equal(await clientOf(url).tasks.diff('t'), '+\uFFFD\n');
});

test('a degraded server still tells its health', async (t) => {
  const { url } = await startStandIn(t, json(503, { status: 'degraded', sqlite: 'disconnected' }));
  assert.equal((await clientOf(url).health()).status, 'degraded');
});

test('an id cannot lead to another path', async (t) => {
  const { url, seen } = await startStandIn(t, json(404, { error: 'Not Found', message: 'task not found' }));
  await assert.rejects(clientOf(url).tasks.get('../auth/verify?x'), ApiError);
  assert.equal(seen[0]?.url, '/api/v1/tasks/..%2Fauth%2Fverify%3Fx');
  await assert.rejects(clientOf(url).tasks.get('..'), TypeError);
});

test('an address that is none, or holds a password, is refused at once', () => {
  for (const baseUrl of ['localhost:8080', 'ftp://example.com', '', 'http://me:pw@127.0.0.1']) {
    assert.throws(() => createClient({ baseUrl }), TypeError);
  }
});

test('verify resolves for an accepted token and rejects for another', async (t) => {
  const { url } = await startStandIn(
    t,
    json(200, { status: 'authenticated' }),
    json(401, { error: 'unauthorized', message: 'missing or invalid Bearer token' }),
  );
  await clientOf(url).verify();
  await assert.rejects(clientOf(url).verify(), { status: 401, error: 'unauthorized' });
});
