import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contractPlace, recordedLines } from '../agent.contract.ts';
import type { AgentTask, McpServer } from '../agent.ts';
import { createAppServerReader } from './app-server-reader.ts';
import { createCodexAgent } from './codex-agent.ts';
import { createExecReader } from './exec-reader.ts';

const server: McpServer = { transport: 'http', url: 'https://mcp.example', headers: {} };
const task: AgentTask = {
  taskId: 'task-1',
  runId: 'run-1',
  iteration: 1,
  prompt: 'mend it',
  mcpServers: { one: server, two: server },
};

/** Its log as 0.169 wrote it. */
const types =
  'codex_rmcp_client::tool_list_changes::ToolListChanges<rmcp::transport::worker::WorkerTransport>';
const logged = [
  'Reading additional input from stdin...',
  '2026-11-22T17:29:03.011359Z  WARN codex_mcp::rmcp_client: MCP server startup failed server_name="one" error=No such file or directory (os error 2)',
  `2026-11-22T17:31:31.588960Z  WARN codex_mcp::rmcp_client: MCP server startup failed server_name="two" error=handshaking with MCP server failed: Send message error Transport [${types}] error: unexpected server response: HTTP 403: Slipway: no`,
  `, when send initialize request: Send message error Transport [${types}] error: unexpected server response: HTTP 403: Slipway: no`,
  '2026-11-22T17:29:04.095437Z  WARN codex_mcp::rmcp_client: MCP server startup failed server_name="other" error=x',
  '2026-11-22T17:29:04.095437Z  WARN codex_mcp::rmcp_client: failed to initialize MCP client during shutdown: MCP startup failed: No such file or directory (os error 2)',
  '',
].join('\n');

function updated(name: string, status: string, error: string | null): string {
  const params = { threadId: 't', name, status, error, failureReason: null };
  return JSON.stringify({ method: 'mcpServer/startupStatus/updated', params });
}

test('the one-shot form tells in its log which servers did not start, each once', () => {
  const reader = createExecReader(task, 'm');
  assert.deepEqual(reader.serversIn?.(`${logged}${logged}`), [
    { server: 'one', reason: 'No such file or directory (os error 2)' },
    {
      server: 'two',
      reason: 'handshaking with MCP server failed: unexpected server response: HTTP 403: Slipway: no',
    },
  ]);
  assert.deepEqual(createExecReader({ ...task, mcpServers: {} }, 'm').serversIn?.(logged), []);
});

test('that log is asked for where there are servers, and is no reason for the end of the program', () => {
  const agent = createCodexAgent({ modelRetries: 0 });
  assert.equal(agent.command(task, contractPlace).env['RUST_LOG'], 'error,codex_mcp::rmcp_client=warn');
  assert.equal('RUST_LOG' in agent.command({ ...task, mcpServers: {} }, contractPlace).env, false);
  const outcome = agent.reader(task).outcome({ code: 1, signal: null, errors: `it broke\n${logged}` });
  assert.ok(outcome.kind === 'failed' && outcome.message.includes('it broke'));
  assert.doesNotMatch(outcome.message, /No such file/u);
});

test('the app-server tells how servers come along: who is missing is told once, with its reason', () => {
  const reader = createAppServerReader({ ...task, approvals: 'ask' }, 'm');
  const { events, servers } = reader.read([
    updated('one', 'starting', null),
    updated(
      'one',
      'failed',
      'MCP client for `one` failed to start: MCP startup failed: No such file (os error 2)',
    ),
    updated('two', 'failed', 'MCP client for `two` timed out after 30 seconds. Add or adjust `x` in y:\n[z]'),
    updated('other', 'failed', 'x'),
  ]);
  assert.deepEqual(servers, [
    { server: 'one', reason: 'No such file (os error 2)' },
    { server: 'two', reason: 'timed out after 30 seconds' },
  ]);
  assert.equal(events[1]?.content, 'MCP server one: failed');
  assert.equal(reader.read([updated('one', 'failed', null)]).servers, undefined);
});

test('a server that is there is no missing one', () => {
  const recorded = recordedLines(new URL('recordings/app-mcp-allow.jsonl', import.meta.url));
  const asked: AgentTask = { ...task, approvals: 'ask', mcpServers: { fake: server } };
  assert.equal(createAppServerReader(asked, 'm').read(recorded).servers, undefined);
});
