import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { resolveTool, shownToolRequest } from './resolve-tool.ts';
import { builtInTool, builtInTools } from './tool-catalog.ts';
import { toolSettingTypes, type ToolDefinition, type ToolSetting } from './tool.ts';

const catalogTool = (name: string): ToolDefinition => {
  const tool = builtInTool(name);
  assert.ok(tool);
  return tool;
};

const setting = (name: string, type: ToolSetting['type'], more: Partial<ToolSetting> = {}): ToolSetting => ({
  name,
  type,
  description: '',
  sensitive: false,
  ...more,
});

const everyType: ToolDefinition = {
  name: 'every-type',
  type: 'custom',
  description: '',
  mcpTransport: 'stdio',
  mcpPackage: 'every-type-server',
  mcpArgs: ['--quiet'],
  requiredConfig: [setting('key', 'secret', { envVar: 'THE_KEY' })],
  optionalConfig: toolSettingTypes.map((type) => setting(`an-${type}`, type)),
  capabilities: [],
};

function problemsOf(tool: ToolDefinition, config: Parameters<typeof resolveTool>[1]) {
  const resolved = resolveTool(tool, config);
  return 'problems' in resolved ? resolved.problems : {};
}

test('the built-in tools become the servers that they stand for', () => {
  assert.deepEqual(resolveTool(catalogTool('sentry'), { auth_token: 'sntrys_1' }), {
    server: {
      transport: 'http',
      url: 'https://mcp.sentry.dev/mcp',
      headers: { Authorization: 'Bearer sntrys_1' },
    },
  });
  const jira = { url: 'https://acme.atlassian.net', username: 'ada@example.com', api_token: 'secret' };
  assert.deepEqual(resolveTool(catalogTool('jira'), jira), {
    server: {
      transport: 'stdio',
      package: 'mcp-atlassian',
      command: 'uvx',
      args: [],
      env: { JIRA_URL: jira.url, JIRA_USERNAME: jira.username, JIRA_API_TOKEN: 'secret' },
    },
  });
  assert.partialDeepStrictEqual(resolveTool(catalogTool('github'), { token: 'ghp_1' }), {
    server: {
      package: '@modelcontextprotocol/server-github',
      command: 'npx',
      env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'ghp_1' },
    },
  });
  for (const [name, wanted] of [
    ['git', '@cyanheads/git-mcp-server'],
    ['playwright', '@playwright/mcp'],
  ] as const) {
    const resolved = resolveTool(catalogTool(name), {});
    assert.partialDeepStrictEqual(resolved, { server: { transport: 'stdio', package: wanted, env: {} } });
  }
});

test('a setting becomes the variable that it names, else its own name in capitals', () => {
  const config = { key: 'k', 'an-string': 'two\nlines', 'an-int': 7, 'an-bool': false };
  assert.partialDeepStrictEqual(resolveTool(everyType, config), {
    server: {
      args: ['--quiet'],
      env: { THE_KEY: 'k', AN_STRING: 'two\nlines', AN_INT: '7', AN_BOOL: 'false' },
    },
  });
});

test('only a bare token gets a scheme, and only in Authorization', () => {
  const [authToken] = catalogTool('sentry').requiredConfig;
  assert.ok(authToken);
  const headersFor = (header: string, value: string): unknown => {
    const tool = { ...catalogTool('sentry'), requiredConfig: [{ ...authToken, header }] };
    const resolved = resolveTool(tool, { auth_token: value });
    return 'server' in resolved && resolved.server.transport === 'http' && resolved.server.headers;
  };
  assert.deepEqual(headersFor('authorization', 'abc'), { authorization: 'Bearer abc' });
  assert.deepEqual(headersFor('Authorization', 'Basic YTpi'), { Authorization: 'Basic YTpi' });
  assert.deepEqual(headersFor('X-Key', 'abc'), { 'X-Key': 'abc' });
});

test('what is missing, of another type or unknown is told by the name of the setting', () => {
  assert.deepEqual(problemsOf(everyType, {}), { key: 'field is required' });
  assert.deepEqual(problemsOf(everyType, { key: '' }), { key: 'field is required' });
  const cases: readonly (readonly [string, string | number | boolean, string | RegExp])[] = [
    ['key', 7, 'must be a string'],
    ['key', 'a\u0000b', 'must not contain NUL characters'],
    ['key', 'a\ud800', 'must be valid Unicode'],
    ['key', 'é'.repeat(2_049), 'exceeds maximum length'],
    ['an-string', true, 'must be a string'],
    ['an-url', 'acme', 'must be a valid URL'],
    ['an-url', 'ftp://acme.example.com', 'must be a valid URL'],
    ['an-url', 'https://acme.example.com/a b', 'must be a valid URL'],
    ['an-url', 'https://ada:x@acme.example.com', 'must not contain a user name or password'],
    ['an-url', `https://acme.example.com/${'x'.repeat(2_048)}`, 'exceeds maximum length'],
    ['an-int', 'seven', 'must be an integer'],
    ['an-int', 1.5, 'must be an integer'],
    ['an-int', '9007199254740993', 'must be an integer'],
    ['an-int', true, 'must be an integer'],
    ['an-bool', 'yes', 'must be true or false'],
    ['an-bool', 1, 'must be true or false'],
    ['other', 'x', /^unknown setting: every-type has key, an-string, /u],
    ['constructor', 'x', /^unknown setting/u],
  ];
  for (const [name, value, message] of cases) {
    const problem = problemsOf(everyType, { key: 'k', [name]: value })[name] ?? '';
    if (typeof message === 'string') assert.equal(problem, message, `${name}: ${value}`);
    else assert.match(problem, message);
  }
  assert.equal(problemsOf(catalogTool('git'), { token: 'x' })['token'], 'unknown setting: git has none');
  for (const value of ['a\nb', 'é', 'a\u007f']) {
    const problem = problemsOf(catalogTool('sentry'), { auth_token: value })['auth_token'];
    assert.equal(problem, 'must be printable ASCII: it is sent as a header');
  }
});

test('a shown request has no value of a secret, of what is sensitive, or of what the tool does not have', () => {
  const tool = {
    ...everyType,
    // Whoever says that a secret is not sensitive is not believed.
    requiredConfig: [setting('key', 'secret'), setting('mail', 'string', { sensitive: true })],
  };
  const config = { key: 'k', mail: 'm', 'an-int': 7, 'an-url': 'https://acme.example.com', other: 'x' };
  assert.deepEqual(shownToolRequest(tool, { name: 'every-type', config }), {
    name: 'every-type',
    config: { key: '***', mail: '***', 'an-int': 7, 'an-url': 'https://acme.example.com', other: '***' },
  });
});

const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.webUrl());
const anyConfig = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('key', '__proto__', ...toolSettingTypes.map((type) => `an-${type}`))),
  value,
);

test('any settings give a server whose every value stands in its place, or problems that repeat none', () => {
  fc.assert(
    fc.property(anyConfig, fc.constantFrom(everyType, ...builtInTools()), (config, tool) => {
      const resolved = resolveTool(tool, config);
      if ('problems' in resolved) {
        assert.ok(Object.keys(resolved.problems).length > 0);
        const told = Object.values(resolved.problems).join('\n');
        for (const given of Object.values(config).map(String)) {
          assert.ok(given.length < 12 || !told.includes(given));
        }
        return;
      }
      const { server } = resolved;
      const placed = Object.values(server.transport === 'http' ? server.headers : server.env);
      for (const given of Object.values(config)
        .map(String)
        .filter((text) => text !== '')) {
        assert.ok(placed.includes(given) || placed.includes(`Bearer ${given}`));
      }
      for (const text of placed) assert.ok(!text.includes('\u0000'));
    }),
  );
});
