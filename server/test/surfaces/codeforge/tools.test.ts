import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentedTool } from '../../support/documented-requests.ts';
import { strangerToken, testApi, type TestRequest } from './test-api.ts';

const path = '/api/v1/tools';
const stranger = { token: strangerToken };

test('the catalog has the five built-in tools, and so have all tools, for everybody', async (t) => {
  const { call } = await testApi(t);
  const catalog = await call('GET', `${path}/catalog`, stranger);
  assert.equal(catalog.status, 200);
  const names = catalog.json.tools.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ['sentry', 'jira', 'git', 'github', 'playwright']);
  assert.deepEqual((await call('GET', path, stranger)).json, catalog.json);
  for (const tool of catalog.json.tools) {
    const { status, json } = await call('GET', `${path}/${tool.name}`, stranger);
    assert.equal(status, 200);
    assert.deepEqual(json, tool);
    assert.equal(json.builtin, true);
    assert.equal(json.created_at, '2026-02-25T00:00:00.000Z');
  }
});

test('a tool is registered, listed behind the built-in ones, shown and deleted', async (t) => {
  const { call } = await testApi(t);
  const created = await call('POST', path, { body: { ...documentedTool, version: null } });
  assert.equal(created.status, 201, created.text);
  assert.deepEqual(created.json, { name: 'my-tool', message: 'tool registered' });
  const other = { name: 'another', mcp_url: 'https://mcp.example.com/mcp' };
  assert.equal((await call('POST', path, { body: other })).status, 201);
  const { tools } = (await call('GET', path)).json;
  const [another, mine] = tools.slice(5);
  assert.deepEqual(mine, {
    ...documentedTool,
    mcp_transport: 'stdio',
    mcp_args: [],
    optional_config: [],
    builtin: false,
    created_at: mine.created_at,
  });
  assert.deepEqual(another, {
    name: 'another',
    type: 'mcp',
    description: '',
    mcp_transport: 'http',
    mcp_args: [],
    mcp_url: 'https://mcp.example.com/mcp',
    required_config: [],
    optional_config: [],
    capabilities: [],
    builtin: false,
    created_at: another.created_at,
  });
  assert.deepEqual((await call('GET', `${path}/my-tool`, stranger)).json, mine);
  assert.equal((await call('GET', `${path}/catalog`)).json.tools.length, 5);
  const gone = await call('DELETE', `${path}/my-tool`);
  assert.deepEqual([gone.status, gone.json], [200, { message: 'tool deleted' }]);
  assert.equal((await call('POST', path, { body: documentedTool })).status, 201);
});

test('what is no tool is 400 by its fields', async (t) => {
  const { call } = await testApi(t);
  const cases: readonly (readonly [object, Readonly<Record<string, string>>])[] = [
    [{ name: undefined }, { name: 'field is required' }],
    [{ name: '' }, { name: 'field is required' }],
    [{ name: 7 }, { name: 'must be a string' }],
    [{ type: 'plugin' }, { type: 'unknown tool type: plugin' }],
    [{ type: 7 }, { type: 'must be a string' }],
    [{ description: 'x'.repeat(2_001) }, { description: 'exceeds maximum length' }],
    [{ version: {} }, { version: 'must be a string' }],
    [{ mcp_transport: 'sse' }, { mcp_transport: 'must be stdio or http' }],
    [{ mcp_package: '' }, { mcp_package: 'field is required' }],
    [{ mcp_package: '--help' }, { mcp_package: 'must not begin with a dash' }],
    [{ mcp_command: '-c' }, { mcp_command: 'must not begin with a dash' }],
    [{ mcp_args: 'x' }, { mcp_args: 'must be an array' }],
    [{ mcp_args: [7] }, { 'mcp_args[0]': 'must be a string' }],
    [{ mcp_transport: 'http', required_config: [] }, { mcp_url: 'field is required' }],
    [{ mcp_url: 'mcp.example.com' }, { mcp_url: 'must be a valid URL' }],
    [{ required_config: {} }, { required_config: 'must be an array' }],
    [{ required_config: [{}] }, { 'required_config[0].name': 'field is required' }],
    [
      { optional_config: [{ name: 'x', sensitive: 'yes' }] },
      { 'optional_config[0].sensitive': 'must be a boolean' },
    ],
    [
      { optional_config: [{ name: 'x', type: 'float' }] },
      { 'optional_config[0].type': 'must be one of string, url, int, bool, secret' },
    ],
    [{ capabilities: [null] }, { 'capabilities[0]': 'must be a string' }],
    [
      { name: 'a b', type: 'plugin' },
      {
        name: 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog',
        type: 'unknown tool type: plugin',
      },
    ],
  ];
  for (const [wrong, fields] of cases) {
    const answer = await call('POST', path, { body: { ...documentedTool, ...wrong } });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(answer.json.fields, fields);
  }
  const badKey = await call('POST', path, { headers: { 'idempotency-key': '' }, body: documentedTool });
  assert.deepEqual(Object.keys(badKey.json.fields), ['Idempotency-Key']);
  assert.equal((await call('GET', path)).json.tools.length, 5);
});

test('a name is taken once, also by a built-in tool; a repeat that is marked is done already', async (t) => {
  const { call } = await testApi(t);
  const again: TestRequest = { headers: { 'idempotency-key': 'one' } };
  assert.equal((await call('POST', path, { body: documentedTool })).status, 201);
  const taken = await call('POST', path, { body: documentedTool });
  assert.equal(taken.status, 409);
  assert.deepEqual(taken.json, { error: 'Conflict', message: 'a tool named my-tool exists already' });
  assert.equal((await call('POST', path, { ...again, body: documentedTool })).status, 201);
  const changed = { ...documentedTool, capabilities: [] };
  assert.equal((await call('POST', path, { ...again, body: changed })).status, 409);
  const builtIn = await call('POST', path, { ...again, body: { ...documentedTool, name: 'sentry' } });
  assert.equal(builtIn.status, 409);
});

test('a built-in tool cannot be deleted, and one that is not there is 404', async (t) => {
  const { call } = await testApi(t);
  const builtIn = await call('DELETE', `${path}/sentry`);
  assert.deepEqual(builtIn.json, { error: 'Bad Request', message: 'built-in tools cannot be deleted' });
  assert.equal(builtIn.status, 400);
  for (const name of ['never-there', 'a b', '%00', 'x'.repeat(200), '__proto__']) {
    for (const method of ['GET', 'DELETE'] as const) {
      const missing = await call(method, `${path}/${name}`);
      assert.deepEqual([missing.status, missing.json.message], [404, 'tool not found'], `${method} ${name}`);
    }
  }
  assert.equal((await call('DELETE', `${path}/catalog`)).status, 404);
});

test('somebody who is no administrator registers and deletes nothing', async (t) => {
  const { call } = await testApi(t);
  await call('POST', path, { body: documentedTool });
  const post = await call('POST', path, { ...stranger, body: { ...documentedTool, name: 'other' } });
  assert.deepEqual([post.status, post.json.message], [403, 'tools are registered by administrators']);
  for (const name of ['my-tool', 'sentry', 'missing']) {
    assert.equal((await call('DELETE', `${path}/${name}`, stranger)).status, 403);
  }
  assert.equal((await call('GET', path)).json.tools.length, 6);
  for (const [method, route] of [
    ['GET', path],
    ['GET', `${path}/catalog`],
    ['GET', `${path}/my-tool`],
    ['POST', path],
    ['DELETE', `${path}/my-tool`],
  ] as const) {
    assert.equal((await call(method, route, { token: null })).status, 401);
  }
});

test('a task asks for a registered tool, and keeps it when the tool is deleted', async (t) => {
  const { call, create } = await testApi(t);
  const config = (settings: object) => ({
    config: { cli: 'script', command: 'true', tools: [{ name: 'my-tool', config: settings }] },
  });
  await call('POST', path, { body: documentedTool });
  const id = await create(config({ api_key: 'k-7f1d2c' }));
  await call('DELETE', `${path}/my-tool`);
  const shown = await call('GET', `/api/v1/tasks/${id}`);
  assert.deepEqual(shown.json.config.tools, [{ name: 'my-tool', config: { api_key: '***' } }]);
  assert.ok(!shown.text.includes('k-7f1d2c'));
  await assert.rejects(create(config({ api_key: 'k' })), /unknown tool: my-tool/u);
});
