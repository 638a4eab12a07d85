import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLines } from '../agent.contract.ts';
import type { AgentTask, McpServer } from '../agent.ts';
import { createClaudeReader } from './reader.ts';

const server: McpServer = { transport: 'http', url: 'https://mcp.example', headers: {} };
const task: AgentTask = {
  taskId: 'task-1',
  runId: 'run-1',
  iteration: 1,
  prompt: 'mend it',
  mcpServers: { one: server, two: server, three: server },
};

function init(...statuses: readonly (readonly [name: string, status: string])[]): string {
  const servers = statuses.map(([name, status]) => ({ name, status, source: 'dynamic' }));
  return JSON.stringify({ type: 'system', subtype: 'init', mcp_servers: servers });
}

test('servers that are not there are told with a reason, each once however often a turn begins', () => {
  const reader = createClaudeReader(task);
  const first = init(['one', 'connected'], ['two', 'failed'], ['three', 'needs-auth'], ['other', 'failed']);
  assert.deepEqual(reader.read([first, first]).servers, [
    { server: 'two', reason: 'it did not start, or could not be reached' },
    { server: 'three', reason: 'it, or the way out, did not let the agent in (401 or 403)' },
  ]);
  assert.equal(reader.read([first]).servers, undefined);
  assert.deepEqual(reader.read([init(['one', 'of a later version'])]).servers, [
    { server: 'one', reason: 'of a later version' },
  ]);
});

test('a server that still starts may come; one that the program does not name is left out', () => {
  assert.deepEqual(createClaudeReader(task).read([init(['one', 'pending'], ['two', 'connected'])]).servers, [
    { server: 'three', reason: 'the program has left it out' },
  ]);
});

test('a program that says nothing of servers has no missing ones', () => {
  const line = '{"type":"system","subtype":"init","session_id":"s"}';
  assert.equal(createClaudeReader(task).read([line]).servers, undefined);
  const recorded = recordedLines(new URL('recordings/mcp.jsonl', import.meta.url));
  assert.equal(
    createClaudeReader({ ...task, mcpServers: { fake: server } }).read(recorded).servers,
    undefined,
  );
});
