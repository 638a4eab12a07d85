import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startStandIn, type Seen } from '../test/stand-in.ts';
import { createClient, type Client } from './client.ts';
import { ConnectionError } from './errors.ts';

const clientOf = (baseUrl: string): Client =>
  createClient({ baseUrl, token: 'secret', timing: { backoffFirstMs: 1, backoffMaxMs: 2 } });

const asked = (seen: readonly Seen[]): readonly string[] =>
  seen.map(({ method, url, body }) => `${method} ${url} ${body}`.trim());

test('a key is created once, under one idempotency key, however often it has to be sent', async (t) => {
  const created = { name: 'mine', provider: 'github', message: 'key registered' };
  const { url, seen } = await startStandIn(t, (response) => response.destroy(), json(201, created));
  const input = { name: 'mine', provider: 'github', token: 'ghp_x' } as const;
  assert.deepEqual(await clientOf(url).keys.create(input), created);
  assert.equal(seen.length, 2);
  assert.equal(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size, 1);
  assert.deepEqual(JSON.parse(seen[1]?.body ?? ''), input);
});

test('a token that its provider refuses is a verdict, not an error', async (t) => {
  const bad = { name: 'mine', provider: 'github', valid: false, error: 'token expired' };
  const { url, seen } = await startStandIn(t, json(422, bad));
  const verdict = await clientOf(url).keys.verify('mine');
  assert.deepEqual(verdict, bad);
  assert.deepEqual(asked(seen), ['GET /api/v1/keys/mine/verify']);
});

test('keys are listed, and deleted without a second try', async (t) => {
  const { url, seen } = await startStandIn(t, json(200, { keys: [] }), (response) => response.destroy());
  const { keys } = clientOf(url);
  assert.deepEqual(await keys.list(), { keys: [] });
  await assert.rejects(keys.delete('a name'), ConnectionError, 'whether it is gone is not known');
  await assert.rejects(async () => keys.delete('..'), TypeError);
  assert.deepEqual(asked(seen), ['GET /api/v1/keys', 'DELETE /api/v1/keys/a%20name']);
});

test('repositories are those of a stored key, or of a token that stands in no URL', async (t) => {
  const page = { repositories: [], count: 0, provider: 'gitlab', page: 2, per_page: 5 };
  const { url, seen } = await startStandIn(t, json(200, page));
  const client = clientOf(url);
  assert.deepEqual(await client.repositories({ key: 'mine' }, { page: 2, per_page: 5 }), page);
  await client.repositories({ provider: 'gitlab', token: 'glpat-x' });
  assert.deepEqual(asked(seen), [
    'GET /api/v1/repositories?provider_key=mine&page=2&per_page=5',
    'GET /api/v1/repositories?provider=gitlab',
  ]);
  assert.deepEqual(
    seen.map(({ headers }) => headers['x-provider-token']),
    [undefined, 'glpat-x'],
  );
});
