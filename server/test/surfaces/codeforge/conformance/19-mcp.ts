import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { givenServers } from './given-servers.ts';
import { assertError, type Enter, type Json } from './stage.ts';

const path = '/api/v1/mcp/servers';
const secret = 'mcp-secret-71d3e8';

export function mcpChapter(enter: Enter): void {
  describe('MCP Servers', () => {
    const register = async (server: object): Promise<void> => {
      const { status, text } = await (await enter()).call('POST', path, { body: server });
      assert.equal(status, 201, text);
    };
    const refused = async (server: object, message: string | RegExp): Promise<void> => {
      assertError(await (await enter()).call('POST', path, { body: server }), 400, message);
    };
    /** Registers servers of every form, runs one task, takes them away again; shared. */
    let given: Promise<Json> | undefined;
    const givenToTask = (): Promise<Json> => (given ??= giveToTask());
    const giveToTask = async (): Promise<Json> => {
      const stage = await enter();
      const env = { API_KEY: secret };
      const servers = [
        { name: 'plain', package: '@example/plain' },
        { name: 'npx', package: '@example/one', command: 'npx', args: ['--transport', 'stdio'], env },
        { name: 'uvx', package: 'mcp-example', command: 'uvx' },
        { name: 'docker', package: 'example/mcp', command: 'docker', env },
        { name: 'path', package: '/usr/local/bin/mcp-example' },
        {
          name: 'remote',
          transport: 'http',
          url: 'https://mcp.example.com/mcp',
          headers: { 'X-Key': secret },
        },
      ];
      const repository = { ...servers[0], name: 'remote', repo_url: stage.repositoryUrl };
      for (const server of [...servers, { ...servers[5], name: 'other' }, repository]) await register(server);
      const own = [{ name: 'plain', command: 'sh', args: ['own.sh'] }];
      const all = await givenServers(stage, { config: { mcp_servers: own } });
      for (const { name } of [...servers, { name: 'other' }]) {
        await stage.call('DELETE', `${path}/${name}`);
      }
      await stage.call('DELETE', `${path}/remote?repo_url=${encodeURIComponent(stage.repositoryUrl)}`);
      return all;
    };

    test('global servers are given to the agent of every task', async () => {
      const all = await givenToTask();
      const names = ['docker', 'npx', 'other', 'path', 'plain', 'remote', 'uvx'];
      assert.deepEqual(Object.keys(all).toSorted(), names);
      assert.equal(await givenServers(await enter()), undefined);
    });

    test("a repository's server goes before a global one of its name, and a task's own before both", async () => {
      const { remote, plain } = await givenToTask();
      assert.deepEqual(remote, { type: 'stdio', command: 'npx', args: ['-y', '@example/plain'], env: {} });
      assert.deepEqual(plain, { type: 'stdio', command: 'sh', args: ['own.sh'], env: {} });
    });

    test('a server is registered for stdio, which is the default transport', async () => {
      const { call } = await enter();
      const body = { name: 'my-server', package: '@example/server' };
      const { status, json } = await call('POST', path, { body });
      assert.deepEqual([status, json.name, typeof json.message], [201, 'my-server', 'string']);
      const { servers } = (await call('GET', path)).json;
      assert.equal(servers.find(({ name }: Json) => name === 'my-server').transport, 'stdio');
      await call('DELETE', `${path}/my-server`);
    });

    test('a server is registered for http', async () => {
      const { other } = await givenToTask();
      assert.deepEqual([other.type, other.url], ['http', 'https://mcp.example.com/mcp']);
    });

    test('name is required, and unique', async () => {
      const { call } = await enter();
      await refused({ package: 'x' }, 'name: field is required');
      await register({ name: 'unique', package: 'x' });
      const again = await call('POST', path, { body: { name: 'unique', package: 'y' } });
      assertError(again, 409, /exists already/u);
      await call('DELETE', `${path}/unique`);
    });

    test('transport is stdio or http', async () => {
      await refused({ name: 'x', package: 'x', transport: 'sse' }, 'transport: must be stdio or http');
    });

    test('package is required for stdio', async () => {
      await refused({ name: 'x' }, 'package: field is required');
      await refused({ name: 'x', command: 'npx' }, 'package: field is required');
    });

    test('command is npx, uvx or docker', async () => {
      const all = await givenToTask();
      const line = (name: string): string => [all[name].command, ...all[name].args].join(' ');
      assert.equal(line('uvx'), 'uvx mcp-example');
      assert.equal(line('docker'), 'docker run -i --rm -e API_KEY example/mcp');
      assert.equal(line('path'), '/usr/local/bin/mcp-example');
    });

    test('args are given to the command', async () => {
      const { npx } = await givenToTask();
      assert.deepEqual([npx.command, npx.args], ['npx', ['-y', '@example/one', '--transport', 'stdio']]);
    });

    test('env is given to the command', async () => {
      const { npx, docker } = await givenToTask();
      assert.deepEqual([npx.env, docker.env], [{ API_KEY: secret }, { API_KEY: secret }]);
    });

    test('url is required for http', async () => {
      await refused({ name: 'x', transport: 'http' }, 'url: field is required');
      await refused({ name: 'x', transport: 'http', url: 'engine' }, 'url: must be a valid URL');
    });

    test('headers are sent to the server', async () => {
      assert.deepEqual((await givenToTask()).other.headers, { 'X-Key': secret });
    });

    test('servers are listed, with the values of their secrets masked', async () => {
      const { call } = await enter();
      const remote = { name: 'context7', transport: 'http', url: 'https://mcp.context7.com/mcp' };
      await register({ ...remote, headers: { CONTEXT7_API_KEY: secret } });
      const { json, text } = await call('GET', path);
      assert.ok(!text.includes(secret));
      const found = json.servers.find(({ name }: Json) => name === 'context7');
      assert.partialDeepStrictEqual(found, { ...remote, headers: { CONTEXT7_API_KEY: '***' } });
      await call('DELETE', `${path}/context7`);
    });

    test('a server is deleted, and a missing one is 404', async () => {
      const { call } = await enter();
      await register({ name: 'short-lived', package: 'x' });
      const { status, json } = await call('DELETE', `${path}/short-lived`);
      assert.deepEqual([status, typeof json.message], [200, 'string']);
      assertError(await call('DELETE', `${path}/short-lived`), 404, /not found/u);
    });
  });
}
