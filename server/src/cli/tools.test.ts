import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { answer, folderWith, slipway, startApi } from '../../test/support/terminal-command.ts';

const sentry = {
  name: 'sentry',
  type: 'mcp',
  description: 'Errors in Sentry\u001b[2J',
  mcp_transport: 'http',
  mcp_args: [],
  mcp_url: 'https://mcp.sentry.dev/mcp',
  required_config: [{ name: 'auth_token', description: 'A token', type: 'secret', sensitive: true }],
  optional_config: [{ name: 'region', description: '', type: 'string', sensitive: false }],
  capabilities: ['issues', 'stack traces'],
  builtin: true,
  created_at: '2026-02-25T00:00:00Z',
};
const git = {
  ...sentry,
  name: 'git',
  description: '',
  mcp_transport: 'stdio',
  mcp_url: undefined,
  mcp_package: '@cyanheads/git-mcp-server',
  mcp_command: 'npx',
  mcp_args: ['--quiet'],
  required_config: [],
  optional_config: [],
};

test('tools are listed without a word behind the command, and shown with their settings', async (t) => {
  const api = await startApi(t, {
    'GET /api/v1/tools': answer(200, { tools: [sentry, git] }),
    'GET /api/v1/tools/sentry': answer(200, sentry),
    'GET /api/v1/tools/git': answer(200, git),
  });
  const ended = await slipway(['tools'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `NAME    SETTINGS             ABOUT
sentry  auth_token [region]  Errors in Sentry
git
`,
  });
  const shown = await slipway(['tools', 'show', 'sentry'], { address: api.url });
  assert.equal(
    shown.stdout,
    `tool          sentry
server        https://mcp.sentry.dev/mcp
good for      issues, stack traces

Errors in Sentry

SETTING               TYPE    ABOUT
auth_token  required  secret  A token
region      optional  string
`,
  );
  const other = await slipway(['tools', 'show', 'git'], { address: api.url });
  assert.match(other.stdout, /^server {8}npx @cyanheads\/git-mcp-server --quiet$/mu);
  const json = await slipway(['tools', 'show', 'sentry', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), sentry);
});

test('a tool is registered from a file and deleted by its name; a built-in one stays', async (t) => {
  const message = 'built-in tools cannot be deleted';
  const api = await startApi(t, {
    'POST /api/v1/tools': answer(201, { name: 'mine', message: 'tool registered' }),
    'DELETE /api/v1/tools/mine': answer(200, { message: 'tool deleted' }),
    'DELETE /api/v1/tools/git': answer(400, { error: 'Bad Request', message }),
  });
  const text = '{"name":"mine","mcp_package":"my-mcp-server"}';
  const folder = await folderWith(t, { 'tool.json': text });
  const added = await slipway(['tools', 'add', join(folder, 'tool.json')], { address: api.url });
  assert.deepEqual([added.code, added.stdout], [0, 'tool registered: mine\n']);
  assert.equal(api.requests[0], `POST /api/v1/tools ${text}`);
  const gone = await slipway(['tools', 'rm', 'mine'], { address: api.url });
  assert.deepEqual([gone.code, gone.stdout], [0, 'tool deleted: mine\n']);
  const refused = await slipway(['tools', 'rm', 'git'], { address: api.url });
  assert.deepEqual([refused.code, refused.stderr], [2, `slipway: ${message}\n`]);
});

const line = ['run', 'https://example.com/app.git', 'Fix it', '-d'];
const created = answer(201, { id: 't', status: 'pending', created_at: '2026-02-26T18:38:10Z' });

test('a task gets tools with settings from a file, and is asked for at a terminal for what is missing', async (t) => {
  const api = await startApi(t, {
    'POST /api/v1/tasks': created,
    'GET /api/v1/tools/sentry': answer(200, sentry),
    'GET /api/v1/tools/git': answer(200, git),
  });
  const folder = await folderWith(t, { 'tools.json': '{"sentry":{"auth_token":"s3cret"}}' });
  const flags = ['--tool', 'sentry', '--tool', 'git'];
  const file = ['--tool-config', join(folder, 'tools.json')];
  await slipway([...line, ...flags, ...file], { address: api.url });
  const asked = await slipway([...line, ...flags], { address: api.url, stdin: 'typed\n', isAsked: true });
  assert.equal(asked.stderr, 'sentry auth_token: \n');
  await slipway([...line, '--tool', 'sentry'], { address: api.url });
  const configs = api.requests
    .filter((request) => request.startsWith('POST'))
    .map((request) => JSON.parse(request.slice(request.indexOf('{'))).config.tools);
  assert.deepEqual(configs, [
    [
      { name: 'sentry', config: { auth_token: 's3cret' } },
      { name: 'git', config: {} },
    ],
    [
      { name: 'sentry', config: { auth_token: 'typed' } },
      { name: 'git', config: {} },
    ],
    [{ name: 'sentry', config: {} }],
  ]);
});

test('settings for a tool that is not asked for are wrong usage', async (t) => {
  const api = await startApi(t, { 'POST /api/v1/tasks': created });
  const folder = await folderWith(t, { 'tools.json': '{"sentri":{"auth_token":"s3cret"}}' });
  const flags = ['--tool', 'sentry', '--tool-config', join(folder, 'tools.json')];
  const ended = await slipway([...line, ...flags], { address: api.url });
  assert.deepEqual(
    [ended.code, ended.stderr],
    [2, 'slipway: there are settings for sentri, but no --tool sentri\n'],
  );
  assert.deepEqual(api.requests, []);
});
