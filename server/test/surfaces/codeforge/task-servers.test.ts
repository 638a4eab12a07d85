import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serversFromSealed } from '../../../src/domain/mcp-server.ts';
import { testKeyRing } from './key-services.ts';
import { smallestTask, strangerToken, testApi } from './test-api.ts';

const config = (fields: object) => ({ config: { ...smallestTask.config, ...fields } });

const secretOfServer = 'mcp-secret-5b1f';

/** Servers and tools with a secret in every place that can have one. */
const manyServers = {
  mcp_servers: [
    { name: 'context7', command: 'npx', args: ['@example/context7'], env: { KEY: secretOfServer } },
    {
      name: 'remote',
      transport: 'http',
      url: `https://mcp.example.com/mcp?team=${secretOfServer}`,
      headers: { Authorization: `Bearer ${secretOfServer}` },
    },
    { name: 'github', package: '@example/own-github', url: null },
  ],
  tools: [
    { name: 'sentry', config: { auth_token: secretOfServer } },
    { name: 'github', config: { token: secretOfServer } },
    { name: 'git' },
  ],
};

test('MCP servers and tools of a task are kept sealed, and shown with their secrets masked', async (t) => {
  const { call, create, database, log } = await testApi(t);
  const id = await create(config(manyServers));
  const shown = await call('GET', `/api/v1/tasks/${id}`);
  assert.deepEqual(shown.json.config.mcp_servers, [
    {
      name: 'context7',
      transport: 'stdio',
      command: 'npx',
      args: ['@example/context7'],
      env: { KEY: '***' },
    },
    {
      name: 'remote',
      transport: 'http',
      url: 'https://mcp.example.com/mcp?team=***',
      headers: { Authorization: '***' },
    },
    { name: 'github', transport: 'stdio', package: '@example/own-github' },
  ]);
  assert.deepEqual(shown.json.config.tools, [
    { name: 'sentry', config: { auth_token: '***' } },
    { name: 'github', config: { token: '***' } },
    { name: 'git' },
  ]);
  const row = await database.kysely
    .selectFrom('tasks')
    .innerJoin('secrets', 'secrets.id', 'tasks.mcp_secret_id')
    .select(['secrets.id', 'key_id as keyId', 'nonce', 'ciphertext', 'options'])
    .executeTakeFirstOrThrow();
  const sealed = serversFromSealed(testKeyRing.open(row.id, row).reveal());
  const byName = new Map(sealed.map(({ name, server }) => [name, server]));
  assert.deepEqual([...byName.keys()].toSorted(), ['context7', 'git', 'github', 'remote', 'sentry']);
  // The task's own server stands in the place of the tool of its name.
  assert.partialDeepStrictEqual(byName.get('github'), { package: '@example/own-github', env: {} });
  assert.partialDeepStrictEqual(byName.get('context7'), { env: { KEY: secretOfServer } });
  assert.partialDeepStrictEqual(byName.get('sentry'), {
    headers: { Authorization: `Bearer ${secretOfServer}` },
  });
  const events = await database.kysely.selectFrom('events').select('data').execute();
  for (const text of [shown.text, JSON.stringify(row.options), JSON.stringify(events), ...log]) {
    assert.ok(!text.includes(secretOfServer), text);
  }
  const plain = await create(config({ mcp_servers: [], tools: [] }));
  const { json } = await call('GET', `/api/v1/tasks/${plain}`);
  assert.deepEqual(json.config, { timeout_seconds: 300, ...smallestTask.config });
});

test('the command of a server is an administrator’s to set; packages, addresses and tools are everybody’s', async (t) => {
  const { call } = await testApi(t);
  const [withCommand, remote, ofPackage] = manyServers.mcp_servers;
  const create = (servers: readonly unknown[]) =>
    call('POST', '/api/v1/tasks', {
      token: strangerToken,
      body: { ...smallestTask, ...config({ mcp_servers: servers, tools: manyServers.tools }) },
    });
  const refused = await create([remote, withCommand]);
  assert.equal(refused.status, 403, refused.text);
  assert.match(refused.json.message, /^mcp_servers\[1\]\.command: is for administrators/u);
  assert.ok(!refused.text.includes(secretOfServer));
  const taken = await create([remote, ofPackage]);
  assert.equal(taken.status, 201, taken.text);
});

test('a message about a server or a tool repeats no value', async (t) => {
  const { call, log } = await testApi(t);
  const long = secretOfServer.repeat(400);
  const wrong: readonly object[] = [
    { mcp_servers: [{ name: 'x', package: 'x', env: { 'A B': secretOfServer } }] },
    { mcp_servers: [{ name: 'x', package: 'x', args: [long] }] },
    { mcp_servers: [{ name: 'x', transport: 'http', url: `https://ada:${secretOfServer}@mcp.example.com` }] },
    { mcp_servers: [{ name: 'x', transport: 'http', url: secretOfServer }] },
    {
      mcp_servers: [
        { name: 'x', transport: 'http', url: 'https://a.example', headers: { 'X-Y': `${secretOfServer}\n` } },
      ],
    },
    { tools: [{ name: 'sentry', config: { auth_token: `${secretOfServer}\n` } }] },
    { tools: [{ name: 'jira', config: { url: secretOfServer, username: long, api_token: secretOfServer } }] },
    { tools: [{ name: 'git', config: { token: secretOfServer } }] },
  ];
  for (const one of wrong) {
    const answer = await call('POST', '/api/v1/tasks', { body: { ...smallestTask, ...config(one) } });
    assert.equal(answer.status, 400, JSON.stringify(one).slice(0, 100));
    assert.ok(!answer.text.includes(secretOfServer), answer.text);
  }
  assert.ok(!log.join('\n').includes(secretOfServer));
});

test('what is no server and no tool is 400 by its place in its list', async (t) => {
  const { call } = await testApi(t);
  const server = { name: 'x', package: 'x' };
  const many = (name: string) =>
    Array.from({ length: 21 }, (_, index) => ({ ...server, name: name + index }));
  const refused = async (fields: object, field: string, message: string | RegExp): Promise<void> => {
    const answer = await call('POST', '/api/v1/tasks', { body: { ...smallestTask, ...config(fields) } });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(Object.keys(answer.json.fields), [field]);
    if (typeof message === 'string') assert.equal(answer.json.message, `${field}: ${message}`);
    else assert.match(answer.json.message, message);
  };
  const servers: readonly (readonly [unknown, string, string | RegExp])[] = [
    [{}, 'mcp_servers', 'must be an array'],
    [['x'], 'mcp_servers[0]', 'must be an object'],
    [[{}], 'mcp_servers[0].name', 'field is required'],
    [[{ ...server, name: null }], 'mcp_servers[0].name', 'field is required'],
    [[{ ...server, name: '' }], 'mcp_servers[0].name', 'field is required'],
    [[{ ...server, name: 'a b' }], 'mcp_servers[0].name', /letters/u],
    [[{ name: 'x' }], 'mcp_servers[0].package', 'field is required'],
    [
      [server, { ...server, name: 'y', transport: 'sse' }],
      'mcp_servers[1].transport',
      'must be stdio or http',
    ],
    [[{ ...server, env: { KEY: 7 } }], 'mcp_servers[0].env.KEY', 'must be a string'],
    [[{ ...server, args: 'x' }], 'mcp_servers[0].args', 'must be an array'],
    [[{ name: 'x', transport: 'http' }], 'mcp_servers[0].url', 'field is required'],
    [[server, { ...server, package: 'y' }], 'mcp_servers[1].name', 'is used twice'],
    [many('s'), 'mcp_servers', 'must have at most 20 entries'],
  ];
  for (const [mcp_servers, field, message] of servers) await refused({ mcp_servers }, field, message);
  const tools: readonly (readonly [unknown, string, string | RegExp])[] = [
    ['git', 'tools', 'must be an array'],
    [[{}], 'tools[0].name', 'field is required'],
    [[{ name: 'catalog' }], 'tools[0].name', /not be catalog/u],
    [[{ name: 'git' }, { name: 'hammer' }], 'tools[1].name', 'unknown tool: hammer'],
    [[{ name: '__proto__' }], 'tools[0].name', 'unknown tool: __proto__'],
    [[{ name: 'git' }, { name: 'git' }], 'tools[1].name', 'is used twice'],
    [[{ name: 'sentry' }], 'tools[0].config.auth_token', 'field is required'],
    [[{ name: 'sentry', config: { auth_token: null } }], 'tools[0].config.auth_token', 'field is required'],
    [[{ name: 'sentry', config: [] }], 'tools[0].config', 'must be an object'],
    [
      [{ name: 'sentry', config: { auth_token: ['x'] } }],
      'tools[0].config.auth_token',
      'must be a text, a number, true or false',
    ],
    [[{ name: 'git', config: { token: 'x' } }], 'tools[0].config.token', 'unknown setting: git has none'],
    [many('t').map(({ name }) => ({ name })), 'tools', 'must have at most 20 entries'],
  ];
  for (const [wanted, field, message] of tools) await refused({ tools: wanted }, field, message);
});

test('a repeated Idempotency-Key gives the same task only with the same servers, tools and secrets', async (t) => {
  const { call } = await testApi(t);
  const headers = { 'idempotency-key': 'one' };
  const server = { name: 'x', package: 'x', env: { KEY: 'first' } };
  const tool = { name: 'github', config: { token: 'first' } };
  const send = (fields: object) =>
    call('POST', '/api/v1/tasks', { headers, body: { ...smallestTask, ...config(fields) } });
  const first = await send({ mcp_servers: [server], tools: [tool] });
  assert.deepEqual((await send({ mcp_servers: [server], tools: [tool] })).json, first.json);
  for (const other of [
    { mcp_servers: [server] },
    { tools: [tool] },
    { mcp_servers: [{ ...server, env: { KEY: 'other' } }], tools: [tool] },
    { mcp_servers: [server], tools: [{ ...tool, config: { token: 'other' } }] },
  ]) {
    assert.equal((await send(other)).status, 409);
  }
});
