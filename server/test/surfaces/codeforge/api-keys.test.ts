import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smallestTask, strangerToken, testApi } from './test-api.ts';

const path = '/api/v1/api-keys';

test('a key is shown once, opens the server for its owner, and not any more once it is revoked', async (t) => {
  const { call, log } = await testApi(t);
  const made = await call('POST', path, { body: { name: 'ci', owner: 'Octocat', expires_in_days: 90 } });
  assert.equal(made.status, 201, made.text);
  const { id, key, created_at: createdAt, expires_at: expiresAt, ...rest } = made.json;
  assert.deepEqual(rest, {
    name: 'ci',
    owner: 'octocat',
    abilities: ['projects:read', 'runs:*', 'git:*'],
  });
  assert.match(key, /^slipway_[\w-]{43}$/u);
  assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 90 * 86_400_000);
  assert.equal((await call('POST', '/api/v1/tasks', { token: key, body: smallestTask })).status, 201);
  assert.equal((await call('GET', '/api/v1/tasks', { token: key })).json.total, 1);
  assert.equal((await call('GET', '/api/v1/tasks', { token: strangerToken })).json.total, 0);

  const listed = await call('GET', path);
  const found = listed.json.api_keys.find((row: { readonly id: string }) => row.id === id);
  assert.deepEqual([found.name, found.owner, found.hint], ['ci', 'octocat', key.slice(-4)]);
  assert.equal(found.revoked_at, null);
  const revoked = await call('DELETE', `${path}/${id}`);
  assert.deepEqual([revoked.status, revoked.json], [200, { message: 'API key revoked' }]);
  assert.equal((await call('GET', '/api/v1/tasks', { token: key })).status, 401);
  assert.equal((await call('DELETE', `${path}/${id}`)).status, 404);
  assert.ok(![listed.text, revoked.text, ...log].some((text) => text.includes(key)));
});

test('a name is taken for one owner as long as its key holds', async (t) => {
  const { call } = await testApi(t);
  const make = (body: object) => call('POST', path, { body });
  const first = await make({ name: 'ci', owner: null, abilities: ['projects:read'] });
  assert.deepEqual([first.status, first.json.owner, first.json.expires_at], [201, 'admin', null]);
  const taken = await make({ name: 'ci' });
  assert.deepEqual([taken.status, taken.json.message], [409, 'an API key named ci exists already']);
  assert.equal((await make({ name: 'ci', owner: 'ada' })).status, 201);
  await call('DELETE', `${path}/${first.json.id}`);
  assert.equal((await make({ name: 'ci' })).status, 201);
});

test('what is no key is 400 by its field', async (t) => {
  const { call } = await testApi(t);
  const cases: readonly (readonly [body: object, field: string])[] = [
    [{}, 'name'],
    [{ name: 'a b' }, 'name'],
    [{ name: 7 }, 'name'],
    [{ name: 'ci', owner: 'a b' }, 'owner'],
    [{ name: 'ci', abilities: [] }, 'abilities'],
    [{ name: 'ci', abilities: ['*'] }, 'abilities[0]'],
    [{ name: 'ci', abilities: ['runs:*', 'runs:stop'] }, 'abilities[1]'],
    [{ name: 'ci', expires_in_days: 0 }, 'expires_in_days'],
    [{ name: 'ci', expires_in_days: 1.5 }, 'expires_in_days'],
  ];
  for (const [body, field] of cases) {
    const answer = await call('POST', path, { body });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(Object.keys(answer.json.fields), [field], JSON.stringify(body));
  }
  for (const id of ['ci', '00000000-0000-4000-8000-000000000000', '%00']) {
    assert.equal((await call('DELETE', `${path}/${id}`)).status, 404, id);
  }
});

test('API keys are no business of who is no administrator', async (t) => {
  const { call } = await testApi(t);
  const made = await call('POST', path, {
    body: { name: 'admins', abilities: ['projects:*', 'settings:*'] },
  });
  for (const token of [strangerToken, made.json.key]) {
    for (const [method, at] of [
      ['POST', path],
      ['GET', path],
      ['DELETE', `${path}/${made.json.id}`],
    ] as const) {
      const answer = await call(method, at, { token, body: { name: 'mine' } });
      assert.deepEqual([answer.status, answer.json.message], [403, 'API keys are for administrators']);
    }
  }
  assert.equal((await call('GET', path)).json.api_keys.length, 2);
});
