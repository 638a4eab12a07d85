import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from '../../../src/lib/ids.ts';
import { strangerToken, type TestApi } from './test-api.ts';
import { commit, mergeRequest, pullRequest, receiveWebhooks } from './webhook-sender.ts';

const path = '/api/v1/webhooks/deliveries';
const list = async (api: TestApi, query = '') => (await api.call('GET', `${path}${query}`)).json;

test('webhooks are listed, newest first, with what came of them, and one is shown with what is kept', async (t) => {
  const { api, github, gitlab } = await receiveWebhooks(t);
  const { json } = await github(
    pullRequest({ pull_request: { title: 'A\ttitle', updated_at: '2026-02-26T12:00:00Z' } }),
    { 'x-github-delivery': 'the-first' },
  );
  await gitlab(mergeRequest(), { 'x-gitlab-event': 'Push Hook', 'idempotency-key': 'the-second' });
  const { webhooks, total } = await list(api);
  const [second, first] = webhooks;
  assert.equal(total, 2);
  assert.deepEqual(first, {
    id: first.id,
    source: 'github',
    delivery_id: 'the-first',
    event: 'pull_request',
    action: 'opened',
    status: 'created',
    reason: null,
    task_id: json.task_id,
    repo_url: 'https://github.com/ada/engine.git',
    pr_number: 42,
    head_sha: commit('a1'),
    received_at: first.received_at,
    settled_at: first.settled_at,
  });
  assert.ok(Date.parse(first.settled_at) >= Date.parse(first.received_at));
  assert.partialDeepStrictEqual(second, {
    source: 'gitlab',
    delivery_id: 'the-second',
    event: 'Push Hook',
    action: 'open',
    status: 'ignored',
    reason: 'event Push Hook is not handled',
    task_id: null,
    repo_url: null,
    pr_number: null,
    head_sha: null,
  });
  const shown = (await api.call('GET', `${path}/${first.id.toUpperCase()}`)).json;
  assert.deepEqual(shown, {
    ...first,
    title: 'A title',
    source_branch: 'feature/login',
    target_branch: 'main',
    draft: false,
    round: 1,
    attempts: 0,
    next_attempt_at: null,
    body_bytes: shown.body_bytes,
    body_sha256: shown.body_sha256,
  });
  assert.ok(shown.body_bytes > 100);
  assert.match(shown.body_sha256, /^[0-9a-f]{64}$/u);
});

test('the list is narrowed by source and status, and comes in pages', async (t) => {
  const { api, github, gitlab } = await receiveWebhooks(t);
  await github(pullRequest());
  await github(pullRequest());
  await gitlab(mergeRequest({ object_attributes: { draft: true } }));
  const statuses = async (query: string): Promise<readonly string[]> =>
    (await list(api, query)).webhooks.map((webhook: { status: string }) => webhook.status);
  assert.deepEqual(await statuses(''), ['skipped', 'deduplicated', 'created']);
  assert.deepEqual(await statuses('?source=github'), ['deduplicated', 'created']);
  assert.deepEqual(await statuses('?source=gitlab&status='), ['skipped']);
  assert.deepEqual(await statuses('?source=gitlab&status=created'), []);
  assert.deepEqual(await statuses('?status=deduplicated'), ['deduplicated']);
  assert.deepEqual(await statuses('?limit=1&offset=1'), ['deduplicated']);
  assert.equal((await list(api, '?limit=1')).total, 3);
  for (const unknown of ['?status=dancing', '?source=%00', '?status=constructor']) {
    assert.deepEqual(await list(api, unknown), { webhooks: [], total: 0 });
  }
  assert.equal((await api.call('GET', `${path}?limit=many`)).status, 400);
});

test('a webhook is dealt with again when an administrator wants it, also one that was skipped', async (t) => {
  const { api, gitlab } = await receiveWebhooks(t);
  await gitlab(mergeRequest({ object_attributes: { draft: true } }));
  const [skipped] = (await list(api)).webhooks;
  const again = () => api.call('POST', `${path}/${skipped.id}/redeliver`);
  const answer = await again();
  assert.deepEqual([answer.status, answer.json], [202, { id: skipped.id, status: 'waiting' }]);
  const waiting = (await api.call('GET', `${path}/${skipped.id}`)).json;
  assert.partialDeepStrictEqual(waiting, { status: 'waiting', reason: null, settled_at: null, round: 2 });
  assert.ok(Date.parse(waiting.next_attempt_at) <= Date.now());
  const twice = await again();
  assert.deepEqual([twice.status, twice.json.message], [409, 'webhook is already waiting']);
});

test('what is about no pull request cannot be dealt with again', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  await github({ zen: 'Keep it logically awesome.' }, { 'x-github-event': 'ping' });
  const [ping] = (await list(api)).webhooks;
  assert.deepEqual([ping.status, ping.reason], ['ignored', 'event ping is not handled']);
  const answer = await api.call('POST', `${path}/${ping.id}/redeliver`);
  assert.deepEqual([answer.status, answer.json.message], [409, 'this webhook asks for no review']);
});

test('webhooks are for administrators, and one that is not there is 404', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  await github(pullRequest());
  const [{ id }] = (await list(api)).webhooks;
  for (const [method, where] of [
    ['GET', path],
    ['GET', `${path}/${id}`],
    ['POST', `${path}/${id}/redeliver`],
  ] as const) {
    assert.equal((await api.call(method, where, { token: strangerToken })).status, 403, where);
    assert.equal((await api.call(method, where, { token: null })).status, 401, where);
  }
  for (const unknown of ['nonsense', systemIds.random(), '%00']) {
    assert.equal((await api.call('GET', `${path}/${unknown}`)).status, 404, unknown);
    assert.equal((await api.call('POST', `${path}/${unknown}/redeliver`)).status, 404, unknown);
  }
});
