import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startStandIn } from '../test/stand-in.ts';
import { createClient, type Client } from './client.ts';
import { ApiError, ConnectionError } from './errors.ts';

const clientOf = (baseUrl: string): Client =>
  createClient({ baseUrl, token: 's', timing: { backoffFirstMs: 1, backoffMaxMs: 2 } });

test('webhooks are listed by what is asked for, and shown by their id', async (t) => {
  const { url, seen } = await startStandIn(t, json(200, { webhooks: [], total: 0 }));
  const { webhooks } = clientOf(url);
  await webhooks.list();
  await webhooks.list({ source: 'github', status: 'refused', limit: 5, offset: 10 });
  await webhooks.get('w/x');
  assert.deepEqual(
    seen.map(({ method, url: path }) => `${method} ${path}`),
    [
      'GET /api/v1/webhooks/deliveries',
      'GET /api/v1/webhooks/deliveries?source=github&status=refused&limit=5&offset=10',
      'GET /api/v1/webhooks/deliveries/w%2Fx',
    ],
  );
});

test('a webhook is dealt with again once: a broken connection does not ask for a second time', async (t) => {
  const { url, seen } = await startStandIn(
    t,
    json(202, { id: 'w', status: 'waiting' }),
    json(409, { error: 'Conflict', message: 'webhook is already waiting' }),
    (response) => response.destroy(),
  );
  const { webhooks } = clientOf(url);
  assert.deepEqual(await webhooks.redeliver('w'), { id: 'w', status: 'waiting' });
  await assert.rejects(webhooks.redeliver('w'), ApiError);
  await assert.rejects(webhooks.redeliver('w'), ConnectionError);
  assert.deepEqual(
    seen.map(({ method, url: path }) => `${method} ${path}`),
    Array.from({ length: 3 }, () => 'POST /api/v1/webhooks/deliveries/w/redeliver'),
  );
});
