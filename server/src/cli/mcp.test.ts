import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const path = '/api/v1/mcp/servers';
const created = answer(201, { name: 'docs', message: 'MCP server registered' });
const bodyOf = (request = ''): unknown => JSON.parse(request.slice(request.indexOf('{')));

test('a server elsewhere is registered with headers, of which the secret one is asked for unseen', async (t) => {
  const api = await startApi(t, { [`POST ${path}`]: created });
  const add = ['mcp', 'add', 'docs', '--url', 'https://docs.example.com/mcp'];
  const headers = ['--header', 'X-Language: en', '--header', 'Authorization'];
  const ended = await slipway([...add, ...headers], {
    address: api.url,
    stdin: 'Bearer s3cret\n',
    isAsked: true,
    columns: 80,
  });
  assert.deepEqual([ended.code, ended.stderr], [0, 'Authorization: \n']);
  assert.equal(ended.stdout, 'MCP server registered: docs\n');
  assert.deepEqual(bodyOf(api.requests[0]), {
    name: 'docs',
    transport: 'http',
    url: 'https://docs.example.com/mcp',
    headers: { 'X-Language': 'en', Authorization: 'Bearer s3cret' },
  });
});

test('a program is registered with its arguments, its secrets from the environment or stdin', async (t) => {
  const api = await startApi(t, { [`POST ${path}`]: created });
  const add = ['mcp', 'add', 'files', '--package', 'files-server', '--command', 'uvx'];
  const env = ['--env', 'FROM_HERE', '--env', 'LANGUAGE=a=b', '--env', 'FROM_STDIN'];
  const repository = 'https://example.com/app.git';
  const ended = await slipway([...add, ...env, '--repo', repository, '--json', '--', '--root', '.'], {
    address: api.url,
    stdin: 'one\n',
    variables: { FROM_HERE: 'two', LANGUAGE: 'not this' },
  });
  assert.deepEqual(JSON.parse(ended.stdout), { name: 'docs', message: 'MCP server registered' });
  assert.deepEqual(bodyOf(api.requests[0]), {
    name: 'files',
    transport: 'stdio',
    package: 'files-server',
    command: 'uvx',
    args: ['--root', '.'],
    env: { FROM_HERE: 'two', LANGUAGE: 'a=b', FROM_STDIN: 'one' },
    repo_url: repository,
  });
});

test('what does not belong together, or has no value, is wrong usage and sends nothing', async (t) => {
  const api = await startApi(t, { [`POST ${path}`]: created });
  const url = ['--url', 'https://x/mcp'];
  const cases: readonly (readonly [flags: readonly string[], message: RegExp])[] = [
    [[], /give the server by --url or --package/u],
    [[...url, '--package', 'p'], /option '--url <url>' cannot be used with option '--package <name>'/u],
    [[...url, '--', 'x'], /a server elsewhere takes no arguments/u],
    [['--package', 'p', '--header', 'a: b'], /--header is for a server by --url/u],
    [['--package', 'p', '--env', 'NONE'], /there is no value for NONE/u],
    [['--package', 'p', '--env', 'A', '--env', 'B'], /only one value can come from stdin, not A, B/u],
  ];
  for (const [flags, message] of cases) {
    const ended = await slipway(['mcp', 'add', 'docs', ...flags], { address: api.url });
    assert.equal(ended.code, 2, flags.join(' '));
    assert.match(ended.stderr, message);
  }
  assert.deepEqual(api.requests, []);
});

test('servers are listed without a word behind the command, with the names of what is secret', async (t) => {
  const created_at = '2026-02-26T18:38:10Z';
  const servers = [
    {
      name: 'docs',
      transport: 'http',
      url: 'https://x/mcp\u001b[2J',
      headers: { 'X-Key': '***' },
      created_at,
    },
    {
      name: 'files',
      transport: 'stdio',
      package: 'p',
      command: 'npx',
      args: ['.'],
      env: { A: '***', B: '***' },
      created_at,
    },
  ];
  const api = await startApi(t, { [`GET ${path}`]: answer(200, { servers }) });
  const ended = await slipway(['mcp'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `NAME   BY     VALUES  SERVER
docs   http   X-Key   https://x/mcp
files  stdio  A B     npx p .
`,
  });
  const json = await slipway(['mcp', 'ls', '--json', '--repo', 'r'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), { servers });
  assert.equal(api.requests.at(-1), `GET ${path}?repo_url=r`);
  const none = await startApi(t, { [`GET ${path}`]: answer(200, { servers: [] }) });
  assert.equal((await slipway(['mcp'], { address: none.url })).stderr, 'no MCP servers: slipway mcp add\n');
});

test('a server is deleted by its name and its repository; one that is not there is 5', async (t) => {
  const api = await startApi(t, {
    [`DELETE ${path}/docs`]: answer(200, { message: 'MCP server deleted' }),
    [`DELETE ${path}/other`]: answer(404, { error: 'Not Found', message: 'MCP server not found' }),
  });
  const ended = await slipway(['mcp', 'rm', 'docs', '--repo', 'r'], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, 'MCP server deleted: docs\n']);
  assert.equal(api.requests[0], `DELETE ${path}/docs?repo_url=r`);
  const missing = await slipway(['mcp', 'rm', 'other'], { address: api.url });
  assert.deepEqual([missing.code, missing.stderr], [5, 'slipway: MCP server not found\n']);
});
