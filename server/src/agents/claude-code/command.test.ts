import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noSpend } from '../../domain/spend.ts';
import type { AgentPlace, AgentTask } from '../agent.ts';
import { claudeCommand } from './command.ts';

const task: AgentTask = { taskId: 'task-1', runId: 'run-1', iteration: 1, prompt: 'mend it' };
const place: AgentPlace = {
  program: '/opt/agent/claude',
  tree: '/workspace',
  home: '/home/agent',
  modelUrl: 'http://127.0.0.1:3128/anthropic',
};
const options = { modelRetries: 2 };
const oneShot = ['--output-format', 'stream-json', '--verbose', '--permission-mode', 'bypassPermissions'];

const id = '11111111-2222-4333-8444-555555555555';

test('a task that asks for nothing more is the one-shot form, word for word', () => {
  const { argv, input, keepInput, homeFiles } = claudeCommand(task, place, options);
  assert.deepEqual(argv, ['/opt/agent/claude', '-p', 'mend it', ...oneShot]);
  assert.deepEqual([input, keepInput, homeFiles], ['', undefined, undefined]);
});

test("what is not the program's to know, or is empty, adds no flag", () => {
  const rest: Partial<AgentTask> = {
    command: 'make',
    allowedTools: [],
    mcpServers: {},
    partialMessages: false,
  };
  assert.deepEqual(claudeCommand({ ...task, ...rest }, place, options), claudeCommand(task, place, options));
});

const flags: readonly (readonly [Partial<AgentTask>, readonly string[]])[] = [
  [{ model: 'opus' }, ['--model', 'opus']],
  [{ maxTurns: 3 }, ['--max-turns', '3']],
  [{ maxBudgetMicrodollars: 5_000_000 }, ['--max-budget-usd', '5']],
  [{ maxBudgetMicrodollars: 10_500_000 }, ['--max-budget-usd', '10.5']],
  [{ maxBudgetMicrodollars: 1 }, ['--max-budget-usd', '0.000001']],
  [{ appendSystemPrompt: 'be brief' }, ['--append-system-prompt', 'be brief']],
  [{ allowedTools: ['Read', 'Bash(git log:*)'] }, ['--allowedTools', 'Read,Bash(git log:*)']],
  [{ outputSchema: { type: 'object' } }, ['--json-schema', '{"type":"object"}']],
  [{ resume: { id, spent: noSpend } }, ['--resume', id]],
  [{ resume: { id, spent: noSpend }, newSessionId: 'unused' }, ['--resume', id]],
  [{ resume: { id, fork: true, spent: noSpend } }, ['--resume', id, '--fork-session']],
  [
    { resume: { id, fork: true, spent: noSpend }, newSessionId: 'new' },
    ['--resume', id, '--fork-session', '--session-id', 'new'],
  ],
  [{ newSessionId: id }, ['--session-id', id]],
  [{ partialMessages: true }, ['--include-partial-messages']],
];
for (const [asked, added] of flags) {
  test(`${JSON.stringify(asked)} adds ${added.join(' ')} and nothing else`, () => {
    const { argv } = claudeCommand({ ...task, ...asked }, place, options);
    assert.deepEqual(argv.slice(3), [...oneShot, ...added]);
  });
}

test('a prompt that would be read as a flag, or is too long for an argument, goes by stdin', () => {
  const limit = 'é'.repeat(65_535);
  for (const prompt of ['- one\n- two', '--help', `${limit}éé`]) {
    const { argv, input, keepInput } = claudeCommand({ ...task, prompt }, place, options);
    assert.deepEqual(argv, ['/opt/agent/claude', '-p', ...oneShot]);
    assert.deepEqual([input, keepInput], [prompt, undefined]);
  }
  assert.equal(claudeCommand({ ...task, prompt: `${limit}x` }, place, options).argv[2], `${limit}x`);
});

test('with questions both directions are lines of JSON, nothing is bypassed, and no settings of a file count', () => {
  const { argv, input, keepInput } = claudeCommand({ ...task, approvals: 'ask' }, place, options);
  assert.equal(argv.join(' ').includes('bypass'), false);
  assert.equal(argv[argv.indexOf('--permission-mode') + 1], 'default');
  assert.equal(argv[argv.indexOf('--permission-prompt-tool') + 1], 'stdio');
  assert.equal(argv[argv.indexOf('--setting-sources') + 1], '');
  assert.ok(argv.includes('--strict-mcp-config'));
  assert.equal(keepInput, true);
  assert.deepEqual(
    input
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { type: 'control_request', request_id: 'initialize-run-1', request: { subtype: 'initialize' } },
      { type: 'user', message: { role: 'user', content: [{ type: 'text', text: 'mend it' }] } },
    ],
  );
});

test('tool servers stand in a file of the home', () => {
  const mcpServers: AgentTask['mcpServers'] = {
    one: { transport: 'stdio', command: 'node', args: ['a.mjs'], env: { TOKEN: 'secret' } },
    two: { transport: 'http', url: 'https://mcp.example/x', headers: { Authorization: 'Bearer secret' } },
  };
  const { argv, env, homeFiles } = claudeCommand({ ...task, mcpServers }, place, options);
  assert.deepEqual(argv.slice(-2), ['--mcp-config', '/home/agent/.slipway/mcp.json']);
  assert.equal(env['ENABLE_TOOL_SEARCH'], 'false');
  assert.equal(env['MCP_TIMEOUT'], '30000');
  assert.deepEqual(JSON.parse(homeFiles?.['.slipway/mcp.json'] ?? ''), {
    mcpServers: {
      one: { type: 'stdio', command: 'node', args: ['a.mjs'], env: { TOKEN: 'secret' } },
      two: { type: 'http', url: 'https://mcp.example/x', headers: { Authorization: 'Bearer secret' } },
    },
  });
});

test('the environment leads to the relay, bounds the retries and keeps the program from anything else', () => {
  const { env } = claudeCommand(task, place, { modelRetries: 0, defaultModel: 'sonnet' });
  assert.deepEqual(env, {
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:3128/anthropic',
    ANTHROPIC_API_KEY: 'added-by-the-relay',
    ANTHROPIC_MODEL: 'sonnet',
    IS_SANDBOX: '1',
    CLAUDE_CODE_MAX_RETRIES: '0',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
  });
  assert.equal(Object.hasOwn(claudeCommand(task, place, options).env, 'ANTHROPIC_MODEL'), false);
});
