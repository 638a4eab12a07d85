import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrometheusText, valueOf } from '../../support/prometheus-text.ts';
import { beforeSentry } from './sentry-stage.ts';
import { smallestTask, testApi } from './test-api.ts';

test('what Sentry does not have is 404, and a search that it does not understand 400', async (t) => {
  const { sentry, get } = await beforeSentry(t);
  const key = 'key_name=my-sentry';
  for (const rest of [
    `projects?org=nobody&${key}`,
    `issues?org=acme&project=nothing&${key}`,
    `issues?org=nobody&project=web&${key}`,
    `issues/999?${key}`,
    `issues/999/latest-event?${key}`,
  ]) {
    const answer = await get(rest);
    assert.deepEqual([answer.status, answer.json.error], [404, 'Not Found'], rest);
    assert.match(
      answer.json.message,
      /^Sentry could not .*: it is not there, or the token may not see it\./u,
    );
  }
  const search = await get(`issues?org=acme&project=web&query=is:nonsense&${key}`);
  assert.equal(search.status, 400);
  assert.match(search.json.message, /Invalid value "nonsense" for "is" search/u);
  sentry.assertNoViolations();
});

test('a token that Sentry refuses is 502 with what is wrong, and is said nowhere', async (t) => {
  const { sentry, api, register, get } = await beforeSentry(t);
  const weak = sentry.addToken({
    value: 'sntrys_weak-of-an-organization',
    scopes: ['org:ci'],
    user: undefined,
  });
  const gone = sentry.addToken({ value: 'sntryu_that-was-revoked' });
  sentry.revoke(gone);
  await register('weak', { token: weak });
  await register('gone', { token: gone });
  const needs = new Map([
    ['organizations?', 'org:read'],
    ['projects?org=acme&', 'org:read'],
    ['issues?org=acme&project=web&', 'project:read'],
    ['issues/1?', 'event:read'],
    ['issues/1/latest-event?', 'event:read'],
  ]);
  for (const [rest, scope] of needs) {
    const refused = await get(`${rest}key_name=weak`);
    assert.deepEqual([refused.status, refused.json.error], [502, 'Bad Gateway']);
    assert.match(refused.json.message, new RegExp(`It needs the scope ${scope}`, 'u'));
    const revoked = await get(`${rest}key_name=gone`);
    assert.equal(revoked.status, 502);
    assert.match(revoked.json.message, /the token is not accepted.*\(Sentry: 401 Invalid token\)/u);
    for (const text of [refused.text, revoked.text, ...api.log]) {
      assert.ok(!text.includes(weak) && !text.includes(gone), text);
    }
  }
  sentry.assertNoViolations();
});

test('a Sentry that fails is 502, with the time to wait where it is too much for it', async (t) => {
  const { sentry, get } = await beforeSentry(t);
  const limited = { kind: 'rate_limit', seconds: 20 } as const;
  sentry.faults.plan({}, limited);
  const tooMany = await get('organizations?key_name=my-sentry');
  assert.equal(tooMany.status, 502);
  assert.match(tooMany.json.message, /too many requests with this token/u);
  const seconds = Number(tooMany.headers['retry-after']);
  assert.ok(seconds > 15 && seconds <= 21, `${seconds}`);
  const faults = [
    [{ kind: 'drop' }, /the connection failed/u],
    [{ kind: 'malformed' }, /no JSON, or not whole/u],
    [{ kind: 'answer', status: 503, body: '<html>' }, /trouble of its own.*Sentry: 503/u],
    [{ kind: 'answer', status: 200, body: '' }, /no JSON/u],
    [{ kind: 'answer', status: 200, body: { detail: 'no list' } }, /it is no list/u],
    [{ kind: 'answer', status: 404, body: '<html>' }, /no Sentry answers there/u],
    [{ kind: 'huge', bytes: 10_000_001 }, /more than 10000000 bytes/u],
  ] as const;
  for (const [fault, words] of faults) {
    sentry.faults.plan({}, fault);
    const answer = await get('organizations?key_name=my-sentry');
    assert.equal(answer.status, 502, answer.text);
    assert.match(answer.json.message, words);
  }
  sentry.faults.plan({}, { kind: 'answer', status: 200, body: [] });
  const noObject = await get('issues/1?key_name=my-sentry');
  assert.match(noObject.json.message, /it is no object/u);
  const nowhere = await testApi(t);
  await nowhere.call('POST', '/api/v1/keys', { body: { name: 's', provider: 'sentry', token: 'x' } });
  const away = await nowhere.call('GET', `/api/v1/sentry/organizations?key_name=s`);
  assert.deepEqual([away.status, away.json.error], [502, 'Bad Gateway']);
});

test('a key for Sentry is verified: whose it is, or why it is not taken', async (t) => {
  const { sentry, api, register } = await beforeSentry(t);
  const verify = (name: string) => api.call('GET', `/api/v1/keys/${name}/verify`);
  const about = { name: 'my-sentry', provider: 'sentry', valid: true, error: '' };
  const person = await verify('my-sentry');
  assert.equal(person.status, 200, person.text);
  assert.deepEqual(person.json, {
    ...about,
    username: 'ada',
    email: 'ada@example.com',
    scopes: 'event:read, org:read, project:read',
  });
  await register('ci', { token: sentry.addToken({ scopes: ['org:ci'], user: undefined }) });
  const ofOrganization = await verify('ci');
  assert.deepEqual(ofOrganization.json, { ...about, name: 'ci', username: '', email: '', scopes: 'org:ci' });
  await register('wrong', { token: 'sntrys_wrong' });
  const wrong = await verify('wrong');
  assert.equal(wrong.status, 422);
  const { json } = wrong;
  assert.deepEqual(json, {
    name: 'wrong',
    provider: 'sentry',
    valid: false,
    error: 'token expired or invalid',
  });
  // One that tells nothing at its root is asked for the organizations.
  for (const body of ['<html>', { detail: 'not here' }]) {
    sentry.faults.plan({ path: /^\/$/u }, { kind: 'answer', status: body === '<html>' ? 403 : 200, body });
    const told = await verify('my-sentry');
    assert.deepEqual(told.json, { ...about, username: '', email: '', scopes: '' });
  }
  sentry.faults.plan({ times: 2 }, { kind: 'answer', status: 403, body: { detail: 'no' } });
  const weak = await verify('my-sentry');
  assert.equal(weak.status, 422);
  assert.match(weak.json.error, /It needs the scope org:read/u);
  sentry.faults.plan({}, { kind: 'drop' });
  assert.equal((await verify('my-sentry')).status, 502);
  sentry.assertNoViolations();
});

test('a key for Sentry is none for repositories, and is listed and deleted like any other', async (t) => {
  const { api, register } = await beforeSentry(t);
  await register('scoped', { scope: 'acme/web' });
  const listed = await api.call('GET', '/api/v1/keys');
  const shown = listed.json.keys.map(({ name, provider, scope }: Record<string, string>) => [
    name,
    provider,
    scope,
  ]);
  assert.deepEqual(shown, [
    ['my-sentry', 'sentry', ''],
    ['scoped', 'sentry', 'acme/web'],
  ]);
  const repositories = await api.call('GET', '/api/v1/repositories?provider_key=my-sentry');
  assert.equal(repositories.status, 400);
  const lists = 'my-sentry is a sentry key, which lists no repositories';
  assert.deepEqual(repositories.json.fields, { provider_key: lists });
  const task = await api.call('POST', '/api/v1/tasks', {
    body: { ...smallestTask, provider_key: 'my-sentry' },
  });
  assert.equal(task.status, 400, task.text);
  const opens = 'my-sentry is a sentry key, which opens no repository';
  assert.deepEqual(task.json.fields, { provider_key: opens });
  assert.equal((await api.call('DELETE', '/api/v1/keys/my-sentry')).status, 200);
  const gone = await api.call('GET', `/api/v1/sentry/organizations?key_name=my-sentry`);
  assert.equal(gone.status, 404);
});

test('requests to Sentry are counted by operation and class of the status', async (t) => {
  const { sentry, api, get } = await beforeSentry(t);
  await get('organizations?key_name=my-sentry');
  sentry.faults.plan({}, { kind: 'drop' });
  await get('organizations?key_name=my-sentry');
  const metrics = parsePrometheusText((await api.call('GET', '/metrics', { token: null })).text);
  const counted = (status: string) =>
    valueOf(metrics, 'slipway_sentry_requests_total', { operation: 'list_organizations', status });
  assert.deepEqual([counted('2xx'), counted('none')], [1, 1]);
  assert.equal(valueOf(metrics, 'slipway_sentry_request_duration_seconds_count'), 2);
});
