import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startStandIn } from '../test/stand-in.ts';
import { createClient } from './client.ts';
import { ConnectionError } from './errors.ts';

test('an API key is made, listed and revoked; what may have been done is not done again', async (t) => {
  const created = { id: 'k1', name: 'ci', key: 'slipway_x' };
  const { url, seen } = await startStandIn(
    t,
    json(201, created),
    json(200, { api_keys: [] }),
    json(200, { message: 'API key revoked' }),
    (response) => response.destroy(),
  );
  const { apiKeys } = createClient({ baseUrl: url, token: 'secret' });
  assert.deepEqual(await apiKeys.create({ name: 'ci', owner: 'ada', abilities: ['runs:*'] }), created);
  assert.deepEqual(await apiKeys.list(), { api_keys: [] });
  assert.deepEqual(await apiKeys.revoke('k1'), { message: 'API key revoked' });
  await assert.rejects(apiKeys.create({ name: 'ci' }), ConnectionError, 'whether it is made is not known');
  assert.deepEqual(
    seen.map(({ method, url: path, body }) => `${method} ${path} ${body}`.trim()),
    [
      'POST /api/v1/api-keys {"name":"ci","owner":"ada","abilities":["runs:*"]}',
      'GET /api/v1/api-keys',
      'DELETE /api/v1/api-keys/k1',
      'POST /api/v1/api-keys {"name":"ci"}',
    ],
  );
});
