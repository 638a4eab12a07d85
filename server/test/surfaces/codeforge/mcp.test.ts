import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serversFromSealed } from '../../../src/domain/mcp-server.ts';
import { testKeyRing } from './key-services.ts';
import { strangerToken, testApi, type TestRequest } from './test-api.ts';

const path = '/api/v1/mcp/servers';
const stranger = { token: strangerToken };
const secret = 'mcp-secret-9c2e';
const repository = 'https://git.example.com/ada/engine.git';
const ofRepository = `${path}?repo_url=${encodeURIComponent(repository)}`;

const local = {
  name: 'context7',
  transport: 'stdio',
  package: '@example/context7',
  command: 'npx',
  args: ['--transport', 'stdio'],
  env: { API_KEY: secret },
};
const remote = {
  name: 'remote',
  transport: 'http',
  url: `https://mcp.example.com/mcp?key=${secret}`,
  headers: { 'X-Key': secret },
};

const namesIn = ({ servers }: { readonly servers: readonly { readonly name: string }[] }) =>
  servers.map(({ name }) => name);

test('servers are registered for both transports and listed by name, their secrets nowhere in the clear', async (t) => {
  const { call, database, log } = await testApi(t);
  assert.deepEqual((await call('GET', path)).json, { servers: [] });
  const answers = [
    await call('POST', path, { body: remote }),
    await call('POST', path, { body: { ...local, url: null } }),
    await call('POST', path, { body: { name: 'plain', package: 'plain-server' } }),
  ];
  for (const { status, text } of answers) assert.equal(status, 201, text);
  assert.deepEqual(answers[0]?.json, { name: 'remote', message: 'MCP server registered' });
  const listed = await call('GET', path, stranger);
  const [first, second, third] = listed.json.servers;
  assert.deepEqual(listed.json.servers, [
    { ...local, env: { API_KEY: '***' }, created_at: first.created_at },
    { name: 'plain', transport: 'stdio', package: 'plain-server', created_at: second.created_at },
    {
      ...remote,
      url: 'https://mcp.example.com/mcp?key=***',
      headers: { 'X-Key': '***' },
      created_at: third.created_at,
    },
  ]);
  const rows = await database.kysely
    .selectFrom('mcp_servers')
    .innerJoin('secrets', 'secrets.id', 'mcp_servers.secret_id')
    .select(['secrets.id', 'key_id as keyId', 'nonce', 'ciphertext', 'shown'])
    .orderBy('name')
    .execute();
  const [kept] = serversFromSealed(testKeyRing.open(rows[0]?.id ?? '', rows[0] ?? assert.fail()).reveal());
  assert.partialDeepStrictEqual(kept, { name: 'context7', server: { env: { API_KEY: secret } } });
  for (const text of [...answers.map((answer) => answer.text), listed.text, ...log, JSON.stringify(rows)]) {
    assert.ok(!text.includes(secret), text);
  }
});

test('what is no server is 400 by its fields, and no message repeats a value', async (t) => {
  const { call, log } = await testApi(t);
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`V${index}`, 'x']));
  const cases: readonly (readonly [base: object, change: object, field: string, message: string | RegExp])[] =
    [
      [local, { name: undefined }, 'name', 'field is required'],
      [local, { name: '' }, 'name', 'field is required'],
      [local, { name: 7 }, 'name', 'must be a string'],
      [local, { name: 'a b' }, 'name', /letters/u],
      [local, { name: 'catalog' }, 'name', /catalog/u],
      [local, { transport: 'sse' }, 'transport', 'must be stdio or http'],
      [local, { transport: 7 }, 'transport', 'must be a string'],
      [local, { package: undefined }, 'package', 'field is required'],
      [local, { package: '' }, 'package', 'field is required'],
      [local, { package: '--yes' }, 'package', 'must not begin with a dash'],
      [local, { package: 'x'.repeat(501) }, 'package', 'exceeds maximum length'],
      [local, { command: '-c' }, 'command', 'must not begin with a dash'],
      [local, { command: ['npx'] }, 'command', 'must be a string'],
      [local, { args: 'x' }, 'args', 'must be an array'],
      [local, { args: [7] }, 'args[0]', 'must be a string'],
      [local, { args: [`${secret}\u0000`] }, 'args', 'must not contain NUL characters'],
      [local, { env: { 'A B': secret } }, 'env', /names/u],
      [local, { env: { KEY: `${secret}\u0000` } }, 'env', 'must not contain NUL characters'],
      [local, { env: { KEY: secret.repeat(400) } }, 'env', 'exceeds maximum length'],
      [local, { env: many }, 'env', 'must have at most 64 entries'],
      [local, { env: { KEY: 7 } }, 'env.KEY', 'must be a string'],
      [local, { url: 'https://mcp.example.com' }, 'url', 'is for http servers'],
      [remote, { url: undefined }, 'url', 'field is required'],
      [remote, { url: `mcp-${secret}` }, 'url', 'must be a valid URL'],
      [remote, { url: 'ftp://mcp.example.com' }, 'url', 'must be a valid URL'],
      [remote, { url: `https://ada:${secret}@mcp.example.com` }, 'url', /user name or password/u],
      [remote, { url: `https://mcp.example.com/${'x'.repeat(2_048)}` }, 'url', 'exceeds maximum length'],
      [remote, { package: 'x' }, 'package', 'is for stdio servers'],
      [remote, { command: 'npx' }, 'command', 'is for stdio servers'],
      [remote, { headers: { 'X Y': secret } }, 'headers', /names/u],
      [remote, { headers: { 'X-Y': `${secret}\n` } }, 'headers', /printable ASCII/u],
      [remote, { headers: { 'X-Y': 'a', 'x-y': 'b' } }, 'headers', 'must name each header once'],
      [remote, { repo_url: 'engine' }, 'repo_url', /./u],
      [remote, { repo_url: 'file:///srv/engine.git' }, 'repo_url', /does not allow file/u],
    ];
  for (const [base, change, field, message] of cases) {
    const { status, json, text } = await call('POST', path, { body: { ...base, ...change } });
    assert.equal(status, 400, text);
    assert.deepEqual(Object.keys(json.fields), [field], text);
    if (typeof message === 'string') assert.equal(json.fields[field], message);
    else assert.match(json.fields[field], message);
    assert.ok(!text.includes(secret), text);
  }
  const badKey = await call('POST', path, { headers: { 'idempotency-key': '' }, body: local });
  assert.deepEqual(Object.keys(badKey.json.fields), ['Idempotency-Key']);
  assert.equal((await call('GET', `${path}?repo_url=engine`)).status, 400);
  assert.equal((await call('DELETE', `${path}/x?repo_url=engine`)).status, 400);
  assert.deepEqual((await call('GET', path)).json, { servers: [] });
  assert.ok(!log.join('\n').includes(secret));
});

test('a name is taken once in its scope; a repeat that is marked is done already where it is the same', async (t) => {
  const { call, database } = await testApi(t);
  const again: TestRequest = { headers: { 'idempotency-key': 'one' } };
  assert.equal((await call('POST', path, { body: local })).status, 201);
  const taken = await call('POST', path, { body: local });
  assert.deepEqual(taken.json, { error: 'Conflict', message: 'an MCP server named context7 exists already' });
  assert.equal(taken.status, 409);
  assert.equal((await call('POST', path, { ...again, body: local })).status, 201);
  for (const other of [{ env: { API_KEY: 'another' } }, { args: [] }, { command: 'uvx' }]) {
    assert.equal((await call('POST', path, { ...again, body: { ...local, ...other } })).status, 409);
  }
  const inOne = { ...local, repo_url: repository, env: {} };
  assert.equal((await call('POST', path, { body: inOne })).status, 201);
  assert.equal((await call('POST', path, { body: inOne })).status, 409);
  assert.equal((await database.kysely.selectFrom('secrets').select('id').execute()).length, 2);
});

test('the servers of a repository are a list of their own, whatever spelling names it', async (t) => {
  const { call } = await testApi(t);
  await call('POST', path, { body: local });
  await call('POST', path, { body: { ...remote, repo_url: repository } });
  assert.deepEqual(namesIn((await call('GET', path)).json), ['context7']);
  assert.deepEqual(namesIn((await call('GET', `${path}?repo_url=`)).json), ['context7']);
  assert.deepEqual(namesIn((await call('GET', ofRepository)).json), ['remote']);
  const spelled = encodeURIComponent('https://GIT.example.com/ada/engine/');
  assert.deepEqual(namesIn((await call('GET', `${path}?repo_url=${spelled}`)).json), ['remote']);
  const other = encodeURIComponent('https://git.example.com/ada/other.git');
  assert.deepEqual((await call('GET', `${path}?repo_url=${other}`)).json, { servers: [] });
  assert.equal((await call('DELETE', `${path}/remote`)).status, 404);
  assert.equal((await call('DELETE', `${path}/remote?repo_url=${other}`)).status, 404);
  const gone = await call('DELETE', `${path}/remote?repo_url=${spelled}`);
  assert.deepEqual([gone.status, gone.json], [200, { message: 'MCP server deleted' }]);
  assert.deepEqual((await call('GET', ofRepository)).json, { servers: [] });
});

test('a deleted server is gone with its secrets, and its name is free', async (t) => {
  const { call, database } = await testApi(t);
  await call('POST', path, { body: local });
  assert.equal((await call('DELETE', `${path}/context7`)).status, 200);
  assert.deepEqual(await database.kysely.selectFrom('secrets').select('id').execute(), []);
  for (const name of ['context7', 'never-there', 'a b', '%00', 'catalog', 'x'.repeat(200)]) {
    const missing = await call('DELETE', `${path}/${name}`);
    assert.deepEqual([missing.status, missing.json.message], [404, 'MCP server not found'], name);
  }
  assert.equal((await call('POST', path, { body: local })).status, 201);
});

test('somebody who is no administrator sees what is in their tasks, and changes nothing', async (t) => {
  const { call } = await testApi(t);
  await call('POST', path, { body: local });
  await call('POST', path, { body: { ...remote, repo_url: repository } });
  const post = await call('POST', path, { ...stranger, body: { ...local, name: 'other' } });
  assert.deepEqual([post.status, post.json.message], [403, 'MCP servers are registered by administrators']);
  assert.equal((await call('DELETE', `${path}/context7`, stranger)).status, 403);
  assert.equal((await call('DELETE', `${path}/missing`, stranger)).status, 403);
  assert.equal((await call('GET', ofRepository, stranger)).status, 403);
  assert.deepEqual(namesIn((await call('GET', path, stranger)).json), ['context7']);
  for (const [method, route] of [
    ['GET', path],
    ['POST', path],
    ['DELETE', `${path}/context7`],
  ] as const) {
    assert.equal((await call(method, route, { token: null })).status, 401);
  }
});
