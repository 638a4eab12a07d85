import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startStandIn } from '../test/stand-in.ts';
import { createClient, type Client } from './client.ts';
import { ApiError, ConnectionError } from './errors.ts';
import type { Timing } from './timing.ts';

const clientOf = (baseUrl: string, timing: Partial<Timing> = {}): Client =>
  createClient({ baseUrl, token: 's', timing: { backoffFirstMs: 1, backoffMaxMs: 2, ...timing } });

test('deliveries are listed by what is asked for, and shown by their id', async (t) => {
  const { url, seen } = await startStandIn(t, json(200, { deliveries: [], total: 0 }));
  const { deliveries } = clientOf(url);
  await deliveries.list();
  await deliveries.list({ task_id: 't', status: 'failed', limit: 5, offset: 10 });
  await deliveries.get('d');
  assert.deepEqual(
    seen.map(({ method, url: path }) => `${method} ${path}`),
    [
      'GET /api/v1/deliveries',
      'GET /api/v1/deliveries?task_id=t&status=failed&limit=5&offset=10',
      'GET /api/v1/deliveries/d',
    ],
  );
});

test('a delivery is sent again once: a broken connection does not ask for a second time', async (t) => {
  const { url, seen } = await startStandIn(
    t,
    json(202, { id: 'd', status: 'pending' }),
    json(409, { error: 'Conflict', message: 'it is pending' }),
    (response) => response.destroy(),
  );
  const { deliveries } = clientOf(url);
  assert.deepEqual(await deliveries.redeliver('d'), { id: 'd', status: 'pending' });
  await assert.rejects(deliveries.redeliver('d'), ApiError);
  await assert.rejects(deliveries.redeliver('d'), ConnectionError);
  assert.deepEqual(
    seen.map(({ method, url: path }) => `${method} ${path}`),
    [
      'POST /api/v1/deliveries/d/redeliver',
      'POST /api/v1/deliveries/d/redeliver',
      'POST /api/v1/deliveries/d/redeliver',
    ],
  );
});

test('a pull request is waited for longer than other answers, and asked for under one key', async (t) => {
  const open = { pr_url: 'https://github.com/a/b/pull/1', pr_number: 1, branch: 'x' };
  const { url, seen } = await startStandIn(
    t,
    (response) => response.destroy(),
    json(503, { error: 'Service Unavailable', message: 'it goes on' }, { 'retry-after': '0' }),
    (response) => void setTimeout(() => json(200, open)(response), 60),
  );
  const input = { title: 'Fix it', draft: true, labels: ['bot'] };
  const client = clientOf(url, { requestMs: 10 });
  assert.deepEqual(await client.tasks.createPullRequest('t', input), open);
  assert.equal(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size, 1);
  assert.deepEqual(
    [seen.length, seen[2]?.method, seen[2]?.url, JSON.parse(seen[2]?.body ?? '')],
    [3, 'POST', '/api/v1/tasks/t/create-pr', input],
  );
});

test('a pull request that takes too long is a ConnectionError', async (t) => {
  const { url } = await startStandIn(t, () => {});
  await assert.rejects(
    clientOf(url, { publishMs: 10 }).tasks.createPullRequest('t'),
    /no answer within 0.01 s/u,
  );
});
