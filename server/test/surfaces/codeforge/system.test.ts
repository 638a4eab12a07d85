import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { adminToken, smallestTask, testApi, type Method, type TestApi } from './test-api.ts';

test('GET / is the documented card with our name, and a page for browsers', async (t) => {
  const { call } = await testApi(t);
  const card = await call('GET', '/', { token: null });
  assert.equal(card.status, 200);
  assert.deepEqual(card.json, {
    name: 'Slipway',
    version: '1.2.3',
    links: {
      api: '/api/v1',
      docs: '/api/docs',
      health: '/health',
      metrics: '/metrics',
      ready: '/ready',
    },
  });
  const page = await call('GET', '/', {
    headers: { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' },
  });
  assert.match(String(page.headers['content-type']), /^text\/html/);
  assert.match(page.text, /<h1>Slipway 1\.2\.3<\/h1>/);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
});

test('GET /health has every documented field without a credential', async (t) => {
  const { call, create } = await testApi(t);
  await create();
  await create();
  await create({ task_type: 'review' });
  const health = await call('GET', '/health', { token: null });
  assert.equal(health.status, 200);
  assert.deepEqual(health.json, {
    status: 'ok',
    redis: 'connected',
    sqlite: 'connected',
    version: '1.2.3',
    uptime: '5m30s',
    workspace_disk_usage_mb: 123.45,
    task_queue_size: 2,
    review_queue_size: 1,
  });
});

test('while the database is away, requests are 503 with Retry-After, nothing is ready, health is degraded', async (t) => {
  const { call } = await testApi(t, { databaseAway: true });
  const health = await call('GET', '/health');
  assert.equal(health.status, 503);
  assert.equal(health.json.status, 'degraded');
  assert.equal(health.json.sqlite, 'disconnected');
  assert.deepEqual([health.json.task_queue_size, health.json.review_queue_size], [0, 0]);
  const ready = await call('GET', '/ready');
  assert.equal(ready.status, 503);
  const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
  const requests: readonly (readonly [Method, string, unknown?])[] = [
    ['GET', '/api/v1/tasks'],
    ['POST', '/api/v1/tasks', smallestTask],
    ['GET', `/api/v1/tasks/${id}`],
    ['GET', `/api/v1/tasks/${id}/diff`],
    ['GET', `/api/v1/tasks/${id}/stream`],
    ['POST', `/api/v1/tasks/${id}/cancel`],
  ];
  for (const [method, path, body] of requests) {
    const answer = await call(method, path, { body });
    assert.equal(answer.status, 503, path);
    assert.equal(answer.headers['retry-after'], '2');
    assert.equal(answer.json.error, 'Service Unavailable');
  }
});

test('GET /ready is 200 until the server is asked to stop, then 503 as the API is', async (t) => {
  let stopping = false;
  const { call } = await testApi(t, { isShuttingDown: () => stopping });
  const ready = await call('GET', '/ready', { token: null });
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.json, { status: 'ready' });
  stopping = true;
  const after = await call('GET', '/ready', { token: null });
  assert.equal(after.status, 503);
  assert.equal(after.json.message, 'the server is shutting down');
  const refused = await call('GET', '/api/v1/tasks');
  assert.equal(refused.status, 503);
  assert.ok(refused.headers['retry-after']);
  assert.equal(refused.json.error, 'Service Unavailable');
});

test('the right token is taken from Authorization, or from X-API-Key where that is absent', async (t) => {
  const { call } = await testApi(t);
  const accepted: Readonly<Record<string, string>>[] = [
    { authorization: `Bearer ${adminToken}` },
    { authorization: `bearer  ${adminToken}` },
    { 'x-api-key': adminToken },
    { authorization: `Bearer ${adminToken}`, 'x-api-key': 'wrong' },
  ];
  for (const headers of accepted) {
    const answer = await call('GET', '/api/v1/auth/verify', { token: null, headers });
    assert.equal(answer.status, 200, JSON.stringify(headers));
    assert.deepEqual(answer.json, { status: 'authenticated' });
  }
});

test('every other credential is 401 with the documented body, and never skipped', async (t) => {
  const { call } = await testApi(t);
  const refused: Readonly<Record<string, string>>[] = [
    {},
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer ' },
    { authorization: 'Bearer wrong' },
    { authorization: `Bearer ${adminToken}x` },
    { authorization: `Bearer ${adminToken.slice(0, -1)}` },
    { authorization: `Bearer ${adminToken} ${adminToken}` },
    { authorization: adminToken },
    { authorization: `Basic ${Buffer.from(`admin:${adminToken}`).toString('base64')}` },
    { authorization: 'Bearer wrong', 'x-api-key': adminToken },
    { 'x-api-key': 'wrong' },
    { 'x-api-key': '' },
    { cookie: `token=${adminToken}` },
  ];
  for (const headers of refused) {
    for (const path of ['/api/v1/auth/verify', '/api/v1/tasks', '/api/v1/no-such-path']) {
      const answer = await call('GET', path, { token: null, headers });
      assert.equal(answer.status, 401, `${path} ${JSON.stringify(headers)}`);
      assert.deepEqual(answer.json, {
        error: 'unauthorized',
        message: 'missing or invalid Bearer token',
      });
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    }
  }
  const inUrl = await call('GET', `/api/v1/tasks?token=${adminToken}`, { token: null });
  assert.equal(inUrl.status, 401);
});

test('a wrong token is refused before the body is looked at', async (t) => {
  const { call } = await testApi(t);
  const answer = await call('POST', '/api/v1/tasks', { token: 'wrong', body: '{"broken' });
  assert.equal(answer.status, 401);
});

test('task types are the documented four', async (t) => {
  const { call } = await testApi(t);
  const { json } = await call('GET', '/api/v1/task-types');
  assert.deepEqual(
    json.task_types.map((type: { name: string; label: string }) => [type.name, type.label]),
    [
      ['code', 'Code'],
      ['plan', 'Plan'],
      ['review', 'Review'],
      ['pr_review', 'PR Review'],
    ],
  );
  assert.equal(json.task_types[0].description, 'Write or modify code based on the prompt');
});

test('unknown paths are 404, known ones with another method 405 with Allow, both as JSON', async (t) => {
  const { call } = await testApi(t);
  for (const path of ['/nowhere', '/api/v1', '/api/v1/', '/api/v1/nowhere', '/api/v2/tasks']) {
    const answer = await call('GET', path);
    assert.equal(answer.status, 404, path);
    assert.deepEqual(answer.json, { error: 'Not Found', message: 'not found' });
  }
  const wrong: readonly (readonly [Method, string, string])[] = [
    ['PUT', '/api/v1/tasks', 'GET, HEAD, POST'],
    ['DELETE', '/api/v1/tasks/1', 'GET, HEAD'],
    ['GET', '/api/v1/tasks/1/cancel', 'POST'],
    ['HEAD', '/api/v1/tasks/1/stream', 'GET'],
    ['POST', '/health', 'GET, HEAD'],
    ['OPTIONS', '/', 'GET, HEAD'],
  ];
  for (const [method, path, allow] of wrong) {
    const answer = await call(method, path);
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.equal(answer.headers['allow'], allow);
    if (method !== 'HEAD') assert.equal(answer.json.error, 'Method Not Allowed');
  }
});

test('every answer carries a request id, the caller’s own where it is harmless', async (t) => {
  const { call } = await testApi(t);
  for (const path of [
    '/',
    '/health',
    '/nowhere',
    '/api/v1/tasks',
    '/api/v1/tasks/%zz',
    `/${'x'.repeat(9_000)}`,
  ]) {
    const answer = await call('GET', path);
    assert.match(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/, path.slice(0, 40));
  }
  const own = await call('GET', '/health', { headers: { 'x-request-id': 'my-id.7' } });
  assert.equal(own.headers['x-request-id'], 'my-id.7');
  const odd = await call('GET', '/health', { headers: { 'x-request-id': 'my id; "7"' } });
  assert.match(String(odd.headers['x-request-id']), /^[0-9a-f-]{36}$/);
});

test('a body that is no JSON object is 400 `invalid JSON body`', async (t) => {
  const { call } = await testApi(t);
  const broken = [
    '{',
    '{"prompt": }',
    'prompt=fix',
    '[]',
    'null',
    '"text"',
    '7',
    ' ',
    '{"prompt":"a"}{"prompt":"b"}',
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    '['.repeat(100_000),
  ];
  for (const body of broken) {
    const answer = await call('POST', '/api/v1/tasks', {
      body,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(answer.status, 400, String(body).slice(0, 40));
    assert.deepEqual(answer.json, { error: 'Bad Request', message: 'invalid JSON body' });
  }
});

test('an empty body is {} and JSON is read, whatever Content-Type says', async (t) => {
  const { call, create } = await testApi(t);
  const types = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'nonsense', ''];
  for (const type of types) {
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
    const empty = await call('POST', '/api/v1/tasks', { body: '', headers });
    assert.equal(empty.status, 400);
    assert.deepEqual(empty.json.fields, {
      repo_url: 'field is required',
      prompt: 'field is required',
    });
    const id = await create();
    const cancel = await call('POST', `/api/v1/tasks/${id}/cancel`, { body: '{"queued":true}', headers });
    assert.equal(cancel.status, 200, type);
    const gone = await call('DELETE', '/api/v1/nowhere', { body: '', headers });
    assert.equal(gone.status, 404, type);
  }
});

test('a 10 MB body is 413 over a real socket, with its length told or not', async (t) => {
  const { url } = await testApi(t);
  const big = JSON.stringify({ repo_url: 'https://h/x', prompt: 'x'.repeat(10_000_000) });
  const bodies = [big, new Blob([big]).stream()];
  for (const body of bodies) {
    const response = await fetch(`${url}/api/v1/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}` },
      body,
      ...(typeof body === 'string' ? {} : { duplex: 'half' }),
    });
    assert.equal(response.status, 413);
    assert.deepEqual(await response.json(), {
      error: 'Payload Too Large',
      message: 'request body is too large',
    });
  }
});

test('bytes that are no HTTP request get a JSON answer and the connection ends', async (t) => {
  const { url } = await testApi(t);
  assert.match(await sendBytes(t, url, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 .*"error":"Bad Request"/s);
  const fat = `GET / HTTP/1.1\r\nHost: x\r\nX-Fat: ${'x'.repeat(20_000)}\r\n\r\n`;
  assert.match(await sendBytes(t, url, fat), /^HTTP\/1\.1 431 .*"error":"Request Header Fields Too Large"/s);
});

test('a defect is a 500 whose text stays in the log, under the request’s id', async (t) => {
  const api = await testApi(t);
  await api.database.kysely.schema.dropTable('effects').execute();
  await api.database.kysely.schema.alterTable('tasks').renameTo('gone').execute();
  const answer = await api.call('GET', '/api/v1/tasks', { headers: { 'x-request-id': 'look-here' } });
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json, { error: 'Internal Server Error', message: 'internal error' });
  const lines = api.log.filter((line) => line.includes('look-here') && line.includes('"error"'));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /relation \\"tasks\\" does not exist/);
});

test('requests are logged by their route, refusals at info, never with their query', async (t) => {
  const api: TestApi = await testApi(t);
  await api.call('GET', '/api/v1/tasks?limit=1&note=private');
  await api.call('GET', '/api/v1/tasks/nothing');
  const lines = api.log.map((line) => JSON.parse(line));
  const [answered] = lines.filter((line) => line.route === '/api/v1/tasks');
  assert.equal(answered.level, 'debug');
  const [refused] = lines.filter((line) => line.route === '/api/v1/tasks/:id');
  assert.equal(refused.level, 'info');
  assert.equal(refused.status, 404);
  assert.ok(!api.log.join().includes('private'));
});

/** What comes back until the server closes the connection. */
async function sendBytes(t: TestContext, url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.write(bytes);
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
  return answer;
}
