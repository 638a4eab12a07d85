import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const created = answer(201, { name: 'mine', provider: 'github', message: 'key registered' });

test('a token comes from stdin, without the line end behind it, and is printed nowhere', async (t) => {
  const api = await startApi(t, { 'POST /api/v1/keys': created });
  const ended = await slipway(['keys', 'add', 'mine', '--provider', 'github', '--scope', 'ada'], {
    address: api.url,
    stdin: 'ghp_secret\r\n',
  });
  assert.deepEqual(ended, {
    code: 0,
    stdout: 'stored; check it with: slipway keys verify mine\n',
    stderr: '',
  });
  assert.deepEqual(api.requests, [
    'POST /api/v1/keys {"name":"mine","provider":"github","token":"ghp_secret","scope":"ada"}',
  ]);
});

test('at a terminal the token is asked for, and what is typed is not shown', async (t) => {
  const api = await startApi(t, { 'POST /api/v1/keys': created });
  const ended = await slipway(['keys', 'add', 'mine', '--provider', 'gitlab'], {
    address: api.url,
    stdin: 'glpat_secret\nmore\n',
    isAsked: true,
    columns: 80,
  });
  assert.deepEqual([ended.code, ended.stderr], [0, 'Token for gitlab: \n']);
  assert.ok(!ended.stdout.includes('glpat_secret'));
  assert.deepEqual(api.requests, [
    'POST /api/v1/keys {"name":"mine","provider":"gitlab","token":"glpat_secret"}',
  ]);
});

test('a token for Sentry is stored like one for a code host', async (t) => {
  const api = await startApi(t, {
    'POST /api/v1/keys': answer(201, { name: 'errors', provider: 'sentry', message: 'key registered' }),
  });
  const add = ['keys', 'add', 'errors', '--provider', 'sentry', '--scope', 'acme/web'];
  const ended = await slipway(add, { address: api.url, stdin: 'sntryu_secret\n' });
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(api.requests, [
    'POST /api/v1/keys {"name":"errors","provider":"sentry","token":"sntryu_secret","scope":"acme/web"}',
  ]);
});

test('a private key is sent to the letter, and not asked for line by line', async (t) => {
  const api = await startApi(t, { 'POST /api/v1/keys': created });
  const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n';
  const add = ['keys', 'add', 'mine', '--provider', 'ssh'];
  await slipway(add, { address: api.url, stdin: key });
  assert.equal(JSON.parse(api.requests[0]?.replace(/^POST \S+ /u, '') ?? '').token, key);
  const asked = await slipway(add, { address: api.url, stdin: key, isAsked: true });
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /give the private key on stdin/u);
  assert.equal(api.requests.length, 1);
});

test('no token is wrong usage, on stdin as at the terminal', async (t) => {
  const api = await startApi(t, { 'POST /api/v1/keys': created });
  for (const isAsked of [true, false]) {
    const add = ['keys', 'add', 'mine', '--provider', 'github'];
    const ended = await slipway(add, { address: api.url, stdin: '', isAsked });
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /there is no token/u);
  }
  assert.deepEqual(api.requests, []);
});

test('keys are listed without a word behind the command', async (t) => {
  const keys = [
    { name: 'mine', provider: 'github', scope: '', created_at: '2026-02-26T12:00:00Z' },
    { name: 'deploy-key', provider: 'ssh', scope: 'git.example.com\u001b[2J', created_at: 'x' },
  ];
  const api = await startApi(t, { 'GET /api/v1/keys': answer(200, { keys }) });
  const ended = await slipway(['keys'], { address: api.url });
  const lines = ended.stdout.split('\n').map((line) => line.replace(/\d{4}-\d\d-\d\d HH:MM:SS/u, 'TIME'));
  assert.deepEqual(lines, [
    'NAME        PROVIDER  STORED               SCOPE',
    'mine        github    TIME  everything',
    'deploy-key  ssh       x                    git.example.com',
    '',
  ]);
  const json = await slipway(['keys', 'ls', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), { keys });
  const none = await startApi(t, { 'GET /api/v1/keys': answer(200, { keys: [] }) });
  const empty = await slipway(['keys', 'list'], { address: none.url });
  assert.deepEqual([empty.code, empty.stdout, empty.stderr], [0, '', 'no keys: slipway keys add\n']);
});

test('a valid token ends with 0 and tells whose it is, another with 1 and why', async (t) => {
  const about = { name: 'mine', provider: 'github' };
  const good = { ...about, valid: true, username: 'octocat', email: '', scopes: 'repo', error: '' };
  const api = await startApi(t, { 'GET /api/v1/keys/mine/verify': answer(200, good) });
  const ended = await slipway(['keys', 'verify', 'mine'], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, 'valid: user octocat, scopes repo\n']);
  const bad = { ...about, valid: false, error: 'token expired' };
  const other = await startApi(t, { 'GET /api/v1/keys/mine/verify': answer(422, bad) });
  const refused = await slipway(['keys', 'verify', 'mine'], { address: other.url });
  assert.deepEqual([refused.code, refused.stdout], [1, 'not valid: token expired\n']);
});

test('a key is deleted by its name; one that is not there is 5', async (t) => {
  const api = await startApi(t, {
    'DELETE /api/v1/keys/mine': answer(200, { message: 'key deleted' }),
    'DELETE /api/v1/keys/other': answer(404, { error: 'Not Found', message: 'key not found' }),
  });
  const ended = await slipway(['keys', 'rm', 'mine'], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, 'key deleted: mine\n']);
  const missing = await slipway(['keys', 'rm', 'other'], { address: api.url });
  assert.deepEqual([missing.code, missing.stderr], [5, 'slipway: key not found\n']);
});
