import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInTools } from './tool-catalog.ts';
import { checkTool, type ToolInput } from './tool-problems.ts';

const smallest: ToolInput = { name: 'my-tool', mcp_package: 'my-mcp-server' };
const remote: ToolInput = { name: 'my-tool', mcp_url: 'https://mcp.example.com/mcp' };

function toolOf(input: ToolInput) {
  const checked = checkTool(input);
  assert.ok('tool' in checked, JSON.stringify(checked));
  return checked.tool;
}

test('what is left out or empty takes its default', () => {
  const wanted = {
    name: 'my-tool',
    type: 'mcp',
    description: '',
    mcpTransport: 'stdio',
    mcpPackage: 'my-mcp-server',
    mcpArgs: [],
    requiredConfig: [],
    optionalConfig: [],
    capabilities: [],
  };
  assert.deepEqual(toolOf(smallest), wanted);
  const empty = { type: '', version: '', mcp_transport: '', mcp_command: '', mcp_url: '', mcp_args: [] };
  assert.deepEqual(toolOf({ ...smallest, ...empty }), wanted);
  assert.equal(toolOf({ ...smallest, type: 'custom' }).type, 'custom');
});

test('an address without a package is a tool for http', () => {
  assert.partialDeepStrictEqual(toolOf(remote), { mcpTransport: 'http', mcpUrl: remote.mcp_url });
  assert.equal(toolOf({ ...remote, ...smallest }).mcpTransport, 'stdio');
  assert.equal(toolOf({ ...remote, ...smallest, mcp_transport: 'http' }).mcpTransport, 'http');
});

test('settings get a variable for stdio, and the one secret a header for http', () => {
  const config = {
    required_config: [{ name: 'api-key', type: 'secret', sensitive: false }, { name: 'team' }],
  };
  assert.deepEqual(toolOf({ ...smallest, ...config }).requiredConfig, [
    { name: 'api-key', description: '', type: 'secret', envVar: 'API_KEY', sensitive: true },
    { name: 'team', description: '', type: 'string', envVar: 'TEAM', sensitive: false },
  ]);
  const token = { name: 'token', type: 'secret' };
  const team = { name: 'team', header: 'X-Team', sensitive: true };
  const tool = toolOf({ ...remote, required_config: [token], optional_config: [team] });
  assert.deepEqual(tool.requiredConfig[0]?.header, 'Authorization');
  assert.deepEqual(tool.optionalConfig, [
    { name: 'team', description: '', type: 'string', header: 'X-Team', sensitive: true },
  ]);
});

test('what is wrong is told by field', () => {
  const nameRule = 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog';
  const many = <Entry>(entry: Entry): Entry[] => Array.from({ length: 65 }, () => entry);
  const cases: readonly (readonly [ToolInput, Readonly<Record<string, string>>])[] = [
    [{ ...smallest, name: '' }, { name: 'field is required' }],
    [{ ...smallest, name: 'catalog' }, { name: nameRule }],
    [{ ...smallest, type: 'plugin' }, { type: 'unknown tool type: plugin' }],
    [{ ...smallest, description: 'x'.repeat(2_001) }, { description: 'exceeds maximum length' }],
    [{ ...smallest, version: '1\n2' }, { version: 'must not contain control characters' }],
    [{ ...smallest, mcp_transport: 'sse' }, { mcp_transport: 'must be stdio or http' }],
    [{ name: 'x' }, { mcp_package: 'field is required' }],
    [{ ...smallest, mcp_package: 'x'.repeat(501) }, { mcp_package: 'exceeds maximum length' }],
    [{ ...smallest, mcp_command: 'n\u0000' }, { mcp_command: 'must not contain control characters' }],
    [{ ...smallest, mcp_args: many('x') }, { mcp_args: 'must have at most 64 entries' }],
    [{ ...smallest, mcp_args: ['a\ud800'] }, { mcp_args: 'must be valid Unicode' }],
    [{ ...smallest, capabilities: ['x'.repeat(201)] }, { capabilities: 'exceeds maximum length' }],
    [{ ...smallest, mcp_transport: 'http' }, { mcp_url: 'field is required' }],
    [{ ...remote, mcp_url: 'mcp.example.com' }, { mcp_url: 'must be a valid URL' }],
    [
      { ...remote, mcp_url: 'https://a:b@mcp.example.com' },
      { mcp_url: 'must not contain a user name or password' },
    ],
    [
      { ...smallest, required_config: many({ name: 'x' }) },
      { required_config: 'must have at most 64 entries' },
    ],
    [{ ...smallest, required_config: [{ name: '' }] }, { 'required_config[0].name': 'field is required' }],
    [
      { ...smallest, required_config: [{ name: 'a', type: 'float' }] },
      { 'required_config[0].type': 'must be one of string, url, int, bool, secret' },
    ],
    [
      { ...smallest, optional_config: [{ name: 'a', env_var: 'A B' }] },
      { 'optional_config[0].env_var': 'must be the name of an environment variable' },
    ],
    [
      { ...smallest, optional_config: [{ name: '1st' }] },
      { 'optional_config[0].env_var': 'must be the name of an environment variable' },
    ],
    [
      { ...smallest, required_config: [{ name: 'a' }], optional_config: [{ name: 'a', env_var: 'B' }] },
      { 'optional_config[0].name': 'is used twice' },
    ],
    [
      { ...smallest, required_config: [{ name: 'a' }, { name: 'b', env_var: 'A' }] },
      { 'required_config[1].env_var': 'is used twice' },
    ],
    [{ ...remote, required_config: [{ name: 'a' }] }, { 'required_config[0].header': 'field is required' }],
    [
      { ...remote, required_config: [{ name: 'a', header: 'X Y' }] },
      { 'required_config[0].header': 'must be the name of an HTTP header' },
    ],
    [
      {
        ...remote,
        required_config: [
          { name: 'a', type: 'secret' },
          { name: 'b', header: 'authorization' },
        ],
      },
      { 'required_config[1].header': 'is used twice' },
    ],
    [
      {
        ...remote,
        required_config: [
          { name: 'a', type: 'secret' },
          { name: 'b', type: 'secret' },
        ],
      },
      { 'required_config[0].header': 'field is required', 'required_config[1].header': 'field is required' },
    ],
  ];
  for (const [input, problems] of cases) assert.deepEqual(checkTool(input), { problems });
});

test('every built-in tool would be taken as it is', () => {
  for (const tool of builtInTools()) {
    const setting = (one: (typeof tool.requiredConfig)[number]) => ({
      name: one.name,
      description: one.description,
      type: one.type,
      ...(one.envVar === undefined ? {} : { env_var: one.envVar }),
      ...(one.header === undefined ? {} : { header: one.header }),
    });
    const input = {
      name: tool.name,
      type: tool.type,
      description: tool.description,
      mcp_transport: tool.mcpTransport,
      mcp_args: tool.mcpArgs,
      ...(tool.mcpPackage === undefined ? {} : { mcp_package: tool.mcpPackage }),
      ...(tool.mcpCommand === undefined ? {} : { mcp_command: tool.mcpCommand }),
      ...(tool.mcpUrl === undefined ? {} : { mcp_url: tool.mcpUrl }),
      required_config: tool.requiredConfig.map(setting),
      optional_config: tool.optionalConfig.map(setting),
      capabilities: tool.capabilities,
    };
    assert.deepEqual(toolOf(input), tool);
  }
});
