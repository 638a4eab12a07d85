import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { answerCheckOf } from './described-answers.ts';
import { testApi } from './test-api.ts';

test('the page about the API takes nothing from elsewhere, and needs no credential', async (t) => {
  const { server } = await testApi(t);
  const page = await server.inject('/api/docs');
  assert.equal(page.statusCode, 200);
  assert.match(String(page.headers['content-type']), /^text\/html/u);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'; script-src 'self';/u);
  assert.match(policy, /frame-ancestors 'none'/u);
  assert.doesNotMatch(page.body, /<script>|\bon\w+=|https?:/u);
  const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/gu)].map(([, link = '']) => link);
  assert.equal(links.length, 4);
  for (const link of links) {
    const path = new URL(link, 'http://x/api/docs').pathname;
    const asset = await server.inject(path);
    assert.equal(asset.statusCode, 200, path);
    assert.ok(asset.rawPayload.length > 100, path);
    assert.match(String(asset.headers['content-type']), /^(?:text\/(?:css|javascript)|image\/png)/u);
    assert.equal(asset.headers['x-content-type-options'], 'nosniff');
  }
  const start = await server.inject('/api/docs/assets/start.js');
  assert.match(start.body, /'docs\/json'/u);
  assert.match(start.body, /persistAuthorization: false/u);
});

test('with a slash behind it the page is found too', async (t) => {
  const { server } = await testApi(t);
  const answer = await server.inject('/api/docs/');
  const target = new URL(String(answer.headers.location), 'http://x/api/docs/').pathname;
  assert.deepEqual([answer.statusCode, target], [308, '/api/docs']);
});

test('no other file is given out', async (t) => {
  const { call } = await testApi(t);
  for (const name of ['..%2Fpackage.json', 'swagger-ui.js', 'constructor', '%2e%2e%2findex.js', '']) {
    const answer = await call('GET', `/api/docs/assets/${name}`, { token: null });
    assert.equal(answer.status, 404, name);
  }
});

test('the description is the same as JSON and as YAML, for everybody', async (t) => {
  const { call } = await testApi(t);
  const json = await call('GET', '/api/docs/json', { token: null });
  const yaml = await call('GET', '/api/docs/openapi.yaml', { token: null });
  assert.equal(json.status, 200);
  assert.match(String(yaml.headers['content-type']), /^application\/yaml/u);
  assert.deepEqual(parse(yaml.text), json.json);
  assert.equal(json.json.openapi, '3.1.0');
  assert.equal(json.json.info.version, '1.2.3');
});

test('every operation has its words, and a credential unless it is open', async (t) => {
  const { call } = await testApi(t);
  const { json: description } = await call('GET', '/api/docs/json');
  const open: string[] = [];
  let operations = 0;
  for (const [path, item] of Object.entries<Record<string, Record<string, unknown>>>(description.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      operations += 1;
      assert.ok(operation['summary'] && operation['tags'] && operation['operationId'], `${method} ${path}`);
      if ((operation['security'] as readonly unknown[] | undefined)?.length === 0) open.push(path);
      else assert.ok((operation['responses'] as Record<string, unknown>)['401'], `${method} ${path}`);
    }
  }
  assert.ok(operations >= 25, `only ${operations} operations`);
  assert.deepEqual(open.toSorted(), [
    '/',
    '/api/docs/json',
    '/api/docs/openapi.yaml',
    '/api/v1/webhooks/github',
    '/api/v1/webhooks/gitlab',
    '/health',
    '/metrics',
    '/ready',
  ]);
});

test('an answer that differs from the description is found', async (t) => {
  const { server } = await testApi(t);
  const check = await answerCheckOf(server);
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const verified = { status: 200, headers: json, text: '{"status":"authenticated"}' };
  const path = '/api/v1/auth/verify';
  check('GET', path, verified);
  const cases: readonly (readonly [RegExp, string, string, typeof verified])[] = [
    [/must NOT have additional/u, 'GET', path, { ...verified, text: '{"status":"a","token":"x"}' }],
    [/must have required property/u, 'GET', path, { ...verified, text: '{}' }],
    [/must be string/u, 'GET', path, { ...verified, text: '{"status":1}' }],
    [/which is not described/u, 'GET', path, { ...verified, status: 204 }],
    [/is text\/plain/u, 'GET', path, { ...verified, headers: { 'content-type': 'text/plain' } }],
    [/lacks WWW-Authenticate/u, 'GET', path, { status: 401, headers: json, text: '{}' }],
    [/is not described/u, 'GET', '/api/v1/nothing', verified],
    [/is not described/u, 'PUT', path, verified],
    [/must be equal to one of/u, 'GET', '/health', { status: 200, headers: json, text: health('fine') }],
  ];
  for (const [problem, method, where, answer] of cases) {
    assert.throws(() => check(method, where, answer), problem);
  }
  check('GET', '/health', { status: 200, headers: json, text: health('ok') });
});

function health(status: string): string {
  return JSON.stringify({
    status,
    redis: 'connected',
    sqlite: 'connected',
    version: '1',
    uptime: '1s',
    workspace_disk_usage_mb: 0,
    task_queue_size: 0,
    review_queue_size: 0,
  });
}
