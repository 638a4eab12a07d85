import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { contractPlace } from '../agent.contract.ts';
import type { AgentTask, McpServer } from '../agent.ts';
import { codexConfig } from './codex-config.ts';

const task: AgentTask = { taskId: 'task-1', runId: 'run-1', iteration: 1, prompt: 'mend it' };

/** The settings by table: as much of TOML as the file may hold, so anything else fails. */
function configOf(
  wanted: Partial<AgentTask>,
  defaultModel?: string,
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const tables: Record<string, Record<string, unknown>> = { '': {} };
  let current = '';
  for (const line of codexConfig({ ...task, ...wanted }, contractPlace, {
    modelRetries: 3,
    defaultModel,
  }).split('\n')) {
    const header = /^\[(.+)\]$/u.exec(line)?.[1];
    const setting = /^([a-z_]+) = (.+)$/u.exec(line);
    if (header !== undefined) {
      current = header;
      assert.equal(tables[current], undefined);
      tables[current] = {};
    } else if (setting !== null) {
      const table = tables[current] ?? {};
      assert.ok(!((setting[1] ?? '') in table));
      table[setting[1] ?? ''] = valueOf(setting[2] ?? '');
    } else assert.equal(line, '');
  }
  return tables;
}

function valueOf(text: string): unknown {
  const inline = /^\{ (.*) \}$/u.exec(text)?.[1];
  if (inline === undefined) return JSON.parse(text.replaceAll(/\\U0/gu, '\\u'));
  return JSON.parse(`{${inline.replaceAll(/("(?:[^"\\]|\\.)*") = /gu, '$1:')}}`);
}

test('the model is reached by the relay, with retries of the program’s own and no websockets', () => {
  assert.deepEqual(configOf({})['model_providers.slipway'], {
    name: 'Slipway',
    base_url: 'http://127.0.0.1:3128/model',
    wire_api: 'responses',
    env_key: 'SLIPWAY_MODEL_KEY',
    request_max_retries: 3,
    stream_max_retries: 3,
    supports_websockets: false,
    requires_openai_auth: false,
  });
});

test('what works in the background or calls home is off, and so are the program’s own sandbox and questions', () => {
  const config = configOf({});
  assert.deepEqual(config[''], {
    model_provider: 'slipway',
    approval_policy: 'never',
    sandbox_mode: 'danger-full-access',
    check_for_update_on_startup: false,
  });
  assert.deepEqual([...new Set(Object.values(config['features'] ?? {}))], [false]);
  assert.equal(config['features']?.['plugins'], false);
  assert.equal(config['analytics']?.['enabled'], false);
  assert.equal(config['history']?.['persistence'], 'none');
});

test('the task’s model stands before the default one', () => {
  assert.equal(configOf({}, 'usual')['']?.['model'], 'usual');
  assert.equal(configOf({ model: 'special' }, 'usual')['']?.['model'], 'special');
  assert.equal(configOf({})['']?.['model'], undefined);
});

test('any text is one string of TOML and reads back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(
        configOf({ appendSystemPrompt: text })['']?.['developer_instructions'],
        text.toWellFormed(),
      );
    }),
  );
  const config = codexConfig({ ...task, appendSystemPrompt: 'a\u007Fb\n"c"' }, contractPlace, {
    modelRetries: 0,
  });
  assert.ok(config.includes(String.raw`"a\u007Fb\n\"c\""`));
});

test('tool servers of both kinds are tables of their own', () => {
  const mcpServers: Readonly<Record<string, McpServer>> = {
    local: { transport: 'stdio', command: 'npx', args: ['-y', 'a "b"'], env: { 'ODD KEY': 'x=[1]' } },
    far: { transport: 'http', url: 'https://mcp.example/x', headers: { 'X-Key': '{"a": 1} = ' } },
  };
  const config = configOf({ mcpServers });
  assert.deepEqual(config['mcp_servers."local"'], {
    command: 'npx',
    args: ['-y', 'a "b"'],
    env: { 'ODD KEY': 'x=[1]' },
    env_vars: [
      'HTTP_PROXY',
      'HTTPS_PROXY',
      'NO_PROXY',
      'http_proxy',
      'https_proxy',
      'no_proxy',
      'NODE_USE_ENV_PROXY',
    ],
    startup_timeout_sec: 30,
  });
  assert.deepEqual(config['mcp_servers."far"'], {
    url: 'https://mcp.example/x',
    http_headers: { 'X-Key': '{"a": 1} = ' },
    startup_timeout_sec: 30,
  });
});

test('the first turn waits for tool servers where there are some, and no command sees what their log needs', () => {
  const mcpServers: AgentTask['mcpServers'] = {
    far: { transport: 'http', url: 'https://mcp.example', headers: {} },
  };
  const config = configOf({ mcpServers });
  assert.equal(config['']?.['mcp_optional_startup_grace_ms'], 30_000);
  assert.deepEqual(config['shell_environment_policy'], { exclude: ['RUST_LOG'] });
  assert.equal(configOf({ mcpServers: {} })['shell_environment_policy'], undefined);
});

test('a tool server has a name that the program takes, and none hides another', () => {
  const server: McpServer = { transport: 'http', url: 'https://mcp.example', headers: {} };
  const names = ['a b', 'a.b', 'a_b', 'ü"]\n[evil]'];
  const config = configOf({ mcpServers: Object.fromEntries(names.map((name) => [name, server])) });
  const tables = Object.keys(config).filter((name) => name.startsWith('mcp_servers'));
  assert.deepEqual(
    tables,
    ['"a_b"', '"a_b_2"', '"a_b_3"', '"_____evil_"'].map((name) => `mcp_servers.${name}`),
  );
});
