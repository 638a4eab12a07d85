import assert from 'node:assert/strict';
import { test } from 'node:test';
import { githubScene } from './github-scene.ts';

const pulls = '/repos/ada/app/pulls';
const wish = { title: 'Add a', head: 'work', base: 'main' };

test('a connection that breaks before or after the deed', async (t) => {
  const { github, repository, call } = await githubScene(t);
  github.faults.plan({ method: 'POST', path: /\/pulls$/u }, { kind: 'drop' });
  await assert.rejects(call(`POST ${pulls}`, { body: wish }), /fetch failed/u);
  assert.equal(repository.pulls.length, 0);
  github.faults.plan({ method: 'POST', path: /\/pulls$/u }, { kind: 'drop_reply' });
  await assert.rejects(call(`POST ${pulls}`, { body: wish }), /fetch failed/u);
  assert.equal(repository.pulls.length, 1);
  assert.equal((await call(`POST ${pulls}`, { body: wish })).status, 422);
  assert.deepEqual([github.faults.left(), github.requests.length], [0, 3]);
  github.assertNoViolations();
});

test('an answer of any status, with the words of GitHub or others', async (t) => {
  const { github, call } = await githubScene(t);
  for (const status of [401, 403, 404, 409, 422, 429, 500, 502, 503]) {
    github.faults.plan({ path: /^\/user$/u }, { kind: 'answer', status });
    const reply = await call('GET /user');
    assert.equal(reply.status, status);
    assert.equal(reply.body['status'], String(status));
    assert.ok(reply.headers.get('x-github-request-id'));
  }
  const body = { message: 'Something else' };
  github.faults.plan({}, { kind: 'answer', status: 418, body, headers: { 'retry-after': '7' } });
  const other = await call('GET /user');
  assert.deepEqual([other.status, other.body, other.headers.get('retry-after')], [418, body, '7']);
  assert.equal((await call('GET /user')).status, 200);
});

test('both rate limits, as 403 and as 429', async (t) => {
  const { github, call } = await githubScene(t, { now: () => 1_000_000 });
  github.faults.plan({}, { kind: 'rate_limit', seconds: 90 });
  const primary = await call('GET /user');
  assert.equal(primary.status, 403);
  assert.equal(primary.headers.get('x-ratelimit-remaining'), '0');
  assert.equal(primary.headers.get('x-ratelimit-reset'), '1090');
  assert.equal(primary.headers.get('retry-after'), null);
  github.faults.plan({}, { kind: 'secondary_rate_limit', seconds: 30, status: 429 });
  const secondary = await call('GET /user');
  assert.deepEqual([secondary.status, secondary.headers.get('retry-after')], [429, '30']);
  assert.match(secondary.text, /secondary rate limit/u);
  assert.notEqual(secondary.headers.get('x-ratelimit-remaining'), '0');
});

test('answers that are no JSON: one that is cut, and a page of the proxy', async (t) => {
  const { github, repository, call } = await githubScene(t);
  github.faults.plan({ method: 'POST' }, { kind: 'malformed' });
  const cut = await call(`POST ${pulls}`, { body: wish });
  assert.deepEqual([cut.status, cut.body, repository.pulls.length], [201, undefined, 1]);
  github.faults.plan({}, { kind: 'bad_gateway' });
  const page = await call('GET /user');
  assert.deepEqual([page.status, page.headers.get('content-type')], [502, 'text/html']);
});

test('a token ends, or a repository moves, just before a request', async (t) => {
  const { github, repository, call } = await githubScene(t);
  github.faults.plan(
    { path: /\/pulls$/u },
    { kind: 'before', act: () => github.move(repository, 'ada/tool') },
  );
  assert.equal((await call(`GET ${pulls}`)).status, 301);
  github.faults.plan({ path: /^\/user$/u, skip: 1 }, { kind: 'expire_token' });
  assert.equal((await call('GET /user')).status, 200);
  assert.equal((await call('GET /user')).status, 401);
  assert.equal((await call('GET /repos/ada/tool')).status, 401);
});

test('a delay holds up one request, and no other', async (t) => {
  const { github, call } = await githubScene(t);
  github.faults.plan({ path: /^\/user$/u }, { kind: 'delay', ms: 60_000 });
  const held = call('GET /user').then(
    () => 'answered',
    () => 'broken',
  );
  while (github.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await call('GET /user')).status, 200);
  await github.close();
  assert.equal(await held, 'broken', 'closing waits for none');
});
