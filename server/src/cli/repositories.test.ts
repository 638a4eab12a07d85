import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const repository = {
  name: 'app',
  full_name: 'ada/app',
  clone_url: 'https://github.com/ada/app.git',
  default_branch: 'main',
  private: true,
  description: '',
  updated_at: '2026-02-20T10:00:00Z',
};
const page = { repositories: [repository], count: 1, provider: 'github', page: 1, per_page: 30 };

test('the repositories of a key are a table, with the address that a task takes', async (t) => {
  const api = await startApi(t, { 'GET /api/v1/repositories': answer(200, page) });
  const ended = await slipway(['repos', '--key', 'mine'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `REPOSITORY  SEEN BY  BRANCH  URL
ada/app     private  main    https://github.com/ada/app.git
`,
  });
  await slipway(['repos', '--key', 'mine', '--page', '2', '--per-page', '5', '--json'], {
    address: api.url,
  });
  assert.deepEqual(api.requests, [
    'GET /api/v1/repositories?provider_key=mine&page=1&per_page=30',
    'GET /api/v1/repositories?provider_key=mine&page=2&per_page=5',
  ]);
});

test('a provider that fails is said so', async (t) => {
  const message = 'the forge answered 500';
  const api = await startApi(t, { 'GET /api/v1/repositories': answer(502, { error: 'x', message }) });
  const ended = await slipway(['repos', '--key', 'mine'], { address: api.url });
  assert.equal(ended.code, 3);
  assert.ok(ended.stderr.includes(message));
});
