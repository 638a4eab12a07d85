import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { documentedTool } from '../../../support/documented-requests.ts';
import { givenServers } from './given-servers.ts';
import { assertError, type Enter, type Json } from './stage.ts';

const path = '/api/v1/tools';
const token = 'tool-secret-2f90b1';

export function toolsChapter(enter: Enter): void {
  describe('Tools', () => {
    const names = ({ tools }: Json): readonly string[] => tools.map(({ name }: Json) => name);

    test('a tool is registered', async () => {
      const { call } = await enter();
      const { status, json } = await call('POST', path, { body: documentedTool });
      assert.deepEqual([status, json.name, typeof json.message], [201, 'my-tool', 'string']);
      assertError(await call('POST', path, { body: documentedTool }), 409, /exists already/u);
    });

    test('a tool that a task asks for becomes an MCP server of its agent', async () => {
      const tools = [{ name: 'my-tool', config: { api_key: token } }, { name: 'git' }];
      const given = await givenServers(await enter(), { config: { tools } });
      assert.deepEqual(given, {
        'my-tool': {
          type: 'stdio',
          command: 'npx',
          args: ['-y', 'my-mcp-server'],
          env: { MY_API_KEY: token },
        },
        git: { type: 'stdio', command: 'npx', args: ['-y', '@cyanheads/git-mcp-server'], env: {} },
      });
    });

    test('the catalog has sentry, jira, git, github and playwright', async () => {
      const { json } = await (await enter()).call('GET', `${path}/catalog`);
      assert.deepEqual(names(json), ['sentry', 'jira', 'git', 'github', 'playwright']);
    });

    test('all tools are listed', async () => {
      const { json } = await (await enter()).call('GET', path);
      assert.deepEqual(names(json), ['sentry', 'jira', 'git', 'github', 'playwright', 'my-tool']);
    });

    test('a tool is shown with its package, command, required configuration and capabilities', async () => {
      const { status, json } = await (await enter()).call('GET', `${path}/sentry`);
      assert.equal(status, 200);
      assert.partialDeepStrictEqual(json, {
        name: 'sentry',
        type: 'mcp',
        mcp_package: '@sentry/mcp-server',
        mcp_command: 'npx',
        required_config: [
          { name: 'auth_token', type: 'secret', env_var: 'SENTRY_AUTH_TOKEN', sensitive: true },
        ],
        capabilities: ['error-tracking', 'issues'],
        builtin: true,
      });
      assert.match(json.created_at, /^\d{4}-\d\d-\d\dT/u);
    });

    test('a tool is deleted', async () => {
      const { call } = await enter();
      const { status, json } = await call('DELETE', `${path}/my-tool`);
      assert.deepEqual([status, typeof json.message], [200, 'string']);
      assertError(await call('GET', `${path}/my-tool`), 404, /not found/u);
      assertError(await call('DELETE', `${path}/my-tool`), 404, /not found/u);
    });

    test('a built-in tool cannot be deleted', async () => {
      assertError(await (await enter()).call('DELETE', `${path}/git`), 400, /built-in/u);
    });
  });
}
