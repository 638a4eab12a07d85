import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startStandIn, type Seen } from '../test/stand-in.ts';
import { createClient, type Client } from './client.ts';
import { ConnectionError } from './errors.ts';

const clientOf = (baseUrl: string): Client =>
  createClient({ baseUrl, token: 'secret', timing: { backoffFirstMs: 1, backoffMaxMs: 2 } });

const asked = (seen: readonly Seen[]): readonly string[] =>
  seen.map(({ method, url, body }) => `${method} ${url} ${body}`.trim());

test('an MCP server is registered once, however often it has to be sent', async (t) => {
  const created = { name: 'docs', message: 'MCP server registered' };
  const { url, seen } = await startStandIn(t, (response) => response.destroy(), json(201, created));
  const input = { name: 'docs', transport: 'http', url: 'https://docs.example.com/mcp' } as const;
  assert.deepEqual(await clientOf(url).mcp.servers.create(input), created);
  assert.equal(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size, 1);
  assert.deepEqual(JSON.parse(seen[1]?.body ?? ''), input);
});

test('MCP servers are those of all repositories or of one, and deleted without a second try', async (t) => {
  const { url, seen } = await startStandIn(
    t,
    json(200, { servers: [] }),
    json(200, { servers: [] }),
    json(200, { message: 'MCP server deleted' }),
    (response) => response.destroy(),
  );
  const { servers } = clientOf(url).mcp;
  const scope = { repo_url: 'https://example.com/app.git' };
  assert.deepEqual(await servers.list(), { servers: [] });
  await servers.list(scope);
  await servers.delete('docs');
  await assert.rejects(servers.delete('docs', scope), ConnectionError);
  await assert.rejects(async () => servers.delete('..'), TypeError);
  const query = '?repo_url=https%3A%2F%2Fexample.com%2Fapp.git';
  assert.deepEqual(asked(seen), [
    'GET /api/v1/mcp/servers',
    `GET /api/v1/mcp/servers${query}`,
    'DELETE /api/v1/mcp/servers/docs',
    `DELETE /api/v1/mcp/servers/docs${query}`,
  ]);
});

test('tools are listed, shown, registered once and deleted without a second try', async (t) => {
  const created = { name: 'mine', message: 'tool registered' };
  const { url, seen } = await startStandIn(
    t,
    json(200, { tools: [] }),
    json(200, { tools: [] }),
    json(200, { name: 'mine' }),
    (response) => response.destroy(),
    json(201, created),
    (response) => response.destroy(),
  );
  const { tools } = clientOf(url);
  await tools.catalog();
  await tools.list();
  await tools.get('mine');
  assert.deepEqual(await tools.create({ name: 'mine', mcp_package: 'my-mcp-server' }), created);
  await assert.rejects(tools.delete('mine'), ConnectionError);
  assert.equal(seen[3]?.headers['idempotency-key'], seen[4]?.headers['idempotency-key']);
  const creation = 'POST /api/v1/tools {"name":"mine","mcp_package":"my-mcp-server"}';
  assert.deepEqual(asked(seen), [
    'GET /api/v1/tools/catalog',
    'GET /api/v1/tools',
    'GET /api/v1/tools/mine',
    creation,
    creation,
    'DELETE /api/v1/tools/mine',
  ]);
});

test('workspaces are listed by pages, and deleted by a task without a second try', async (t) => {
  const page = { workspaces: [], total_size_mb: 0, total_count: 0 };
  const { url, seen } = await startStandIn(t, json(200, page), (response) => response.destroy());
  const { workspaces } = clientOf(url);
  assert.deepEqual(await workspaces.list({ limit: 5, offset: 10 }), page);
  await assert.rejects(workspaces.delete('t/x'), ConnectionError);
  assert.deepEqual(asked(seen), [
    'GET /api/v1/workspaces?limit=5&offset=10',
    'DELETE /api/v1/workspaces/t%2Fx',
  ]);
});
