import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const id = '01930c5e-7d4a-7b1e-9c57-2f6e0d3b8a41';
const other = '01930c5e-7d4a-7b1e-9c57-2f6e0d3b8a42';
const key = `slipway_${'x'.repeat(43)}`;
const known = {
  id,
  name: 'ci',
  owner: 'ada',
  abilities: ['projects:read', 'runs:*'],
  created_at: '2026-02-26T18:38:10.277Z',
  expires_at: null,
};
const row = { ...known, hint: 'xxxx', used_at: null, revoked_at: null };

test('the key alone is on stdout, to be piped, and what is said of it on stderr', async (t) => {
  const api = await startApi(t, { 'POST /api/v1/api-keys': answer(201, { ...known, key }) });
  const ended = await slipway(['api-keys', 'create', 'ci'], { address: api.url });
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(ended.stdout, `${key}\n`);
  assert.equal(
    ended.stderr,
    `ci, ada's key for projects:read, runs:*; it holds until it is revoked\n` +
      `shown this once; revoke it with: slipway api-keys revoke ${id}\n`,
  );
  const flags = ['--owner', 'ada', '--ability', 'runs:*', '--ability', 'git:push', '--expires-in-days', '90'];
  await slipway(['api-keys', 'create', 'ci', ...flags], { address: api.url });
  assert.deepEqual(api.requests, [
    'POST /api/v1/api-keys {"name":"ci"}',
    'POST /api/v1/api-keys {"name":"ci","owner":"ada","abilities":["runs:*","git:push"],"expires_in_days":90}',
  ]);
});

test('what cannot be granted is wrong usage, and nothing is asked', async (t) => {
  const api = await startApi(t, { 'POST /api/v1/api-keys': answer(201, { ...known, key }) });
  const all = await slipway(['api-keys', 'create', 'ci', '--ability', '*'], { address: api.url });
  assert.equal(all.code, 2);
  assert.match(all.stderr, /Allowed choices are projects:read, /u);
  const ended = await slipway(['api-keys', 'create', 'ci', '--expires-in-days', '0'], { address: api.url });
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /whole number from 1 to 3650/u);
  assert.deepEqual(api.requests, []);
});

test('the list says which keys hold', async (t) => {
  const keys = [
    row,
    { ...row, name: 'old', expires_at: '2001-01-01T00:00:00.000Z' },
    { ...row, name: 'gone', revoked_at: '2026-02-27T00:00:00.000Z' },
  ];
  const api = await startApi(t, { 'GET /api/v1/api-keys': answer(200, { api_keys: keys }) });
  const listed = await slipway(['api-keys'], { address: api.url });
  assert.equal(
    listed.stdout,
    [
      'NAME  OWNER  KEY    HOLDS    USED   ABILITIES',
      'ci    ada    …xxxx  yes      never  projects:read runs:*',
      'old   ada    …xxxx  expired  never  projects:read runs:*',
      'gone  ada    …xxxx  revoked  never  projects:read runs:*\n',
    ].join('\n'),
  );
  const none = await startApi(t, { 'GET /api/v1/api-keys': answer(200, { api_keys: [] }) });
  const empty = await slipway(['api-keys', 'ls'], { address: none.url });
  assert.deepEqual([empty.stdout, empty.stderr], ['', 'no API keys: slipway api-keys create <name>\n']);
});

test('a key is revoked by its id, or by a name that one alone has', async (t) => {
  const revoked = answer(200, { message: 'API key revoked' });
  const keys = [row, { ...row, id: other, revoked_at: '2026-02-27T00:00:00.000Z' }];
  const api = await startApi(t, {
    'GET /api/v1/api-keys': answer(200, { api_keys: keys }),
    [`DELETE /api/v1/api-keys/${id}`]: revoked,
  });
  for (const given of ['ci', id]) {
    const ended = await slipway(['api-keys', 'revoke', given], { address: api.url });
    assert.deepEqual([ended.code, ended.stdout], [0, `API key revoked: ${given}\n`]);
  }
  const missing = await slipway(['api-keys', 'revoke', 'other'], { address: api.url });
  assert.deepEqual([missing.code, missing.stderr], [5, 'slipway: no API key named other holds\n']);
  const two = await startApi(t, {
    'GET /api/v1/api-keys': answer(200, { api_keys: [row, { ...row, id: other, owner: 'bob' }] }),
  });
  const ended = await slipway(['api-keys', 'revoke', 'ci'], { address: two.url });
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, new RegExp(`${id} \\(ada\\), ${other} \\(bob\\)`, 'u'));
});

test('who is no administrator is told so', async (t) => {
  const api = await startApi(t, {
    'POST /api/v1/api-keys': answer(403, { error: 'Forbidden', message: 'API keys are for administrators' }),
  });
  const ended = await slipway(['api-keys', 'create', 'ci'], { address: api.url });
  assert.equal(ended.stdout, '');
  assert.equal(ended.stderr, 'slipway: API keys are for administrators\n');
});
