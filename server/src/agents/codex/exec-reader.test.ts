import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLines } from '../agent.contract.ts';
import type { AgentExit, AgentOutcome, AgentReading, AgentTask } from '../agent.ts';
import { createExecReader } from './exec-reader.ts';

const task: AgentTask = { taskId: 'task-1', runId: 'run-1', iteration: 1, prompt: 'mend it' };

function recorded(name: string): readonly string[] {
  return recordedLines(new URL(`recordings/${name}.jsonl`, import.meta.url));
}

function read(lines: readonly string[], wanted: Partial<AgentTask> = {}): AgentReading {
  return createExecReader({ ...task, ...wanted }, 'gpt-scripted').read(lines);
}

function outcomeOf(
  lines: readonly string[],
  exit: Partial<AgentExit> = {},
  wanted: Partial<AgentTask> = {},
): AgentOutcome {
  const reader = createExecReader({ ...task, ...wanted }, 'gpt-scripted');
  reader.read(lines);
  return reader.outcome({ code: 0, signal: null, errors: '', ...exit });
}

function codeOf(outcome: AgentOutcome): string {
  return outcome.kind === 'failed' ? outcome.code : 'done';
}

const begun = ['{"type":"thread.started","thread_id":"t-1"}', '{"type":"turn.started"}'];
const says = '{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":"all done"}}';
const completed = '{"type":"turn.completed","usage":{"input_tokens":10,"output_tokens":2}}';
const failed = '{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized: no"}}';

test('thoughts, words, a tool and its output are told in order, each with its line', () => {
  const lines = recorded('exec-success');
  const { events, session, ended } = read(lines);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['system', 'system', 'system', 'thinking', 'text', 'tool_use', 'tool_result', 'text', 'result'],
  );
  assert.deepEqual(
    events.map(({ raw }) => raw),
    lines.map((line) => JSON.parse(line)),
  );
  assert.ok(events[5]?.content.includes('hello.txt'));
  assert.equal(events[6]?.content, '?? hello.txt\n');
  assert.equal(session, '01a200b6-6361-7932-bb9f-5722985b7bce');
  assert.equal(ended, true);
});

test('a call of an MCP tool shows what was asked and what was answered', () => {
  const contents = read(recorded('exec-mcp')).events.map(({ content }) => content);
  assert.ok(contents.includes('fake.ping {"text":"pong-please"}'));
  assert.ok(contents.includes('pong:pong-please'));
});

test('a tool that was never seen to begin is told as a whole at its end', () => {
  const change =
    '{"type":"item.completed","item":{"id":"a","type":"file_change","changes":[{"path":"/w/x","kind":"add"}],"status":"completed"}}';
  assert.deepEqual(
    read([change]).events.map(({ type, content }) => [type, content]),
    [
      ['tool_use', 'apply_patch add /w/x'],
      ['tool_result', 'completed'],
    ],
  );
});

test('a command without output is told by its exit code', () => {
  const item = { id: 'a', type: 'command_execution', command: 'false', aggregated_output: '', exit_code: 1 };
  const events = read([JSON.stringify({ type: 'item.completed', item })]).events;
  assert.equal(events.at(-1)?.content, 'exit code 1');
});

test('what is only a warning or a try is no error', () => {
  const types = read(recorded('exec-flaky-3')).events.map(({ type }) => type);
  assert.ok(!types.includes('error'));
});

test('usage is what is new since the session was counted last, once', () => {
  const spent = {
    inputTokens: 2_400,
    outputTokens: 84,
    cacheReadTokens: 600,
    cacheWriteTokens: 0,
    microdollars: 0,
  };
  const delta = {
    inputTokens: 1_200,
    outputTokens: 42,
    cacheReadTokens: 300,
    cacheWriteTokens: 0,
    microdollars: 0,
  };
  const lines = recorded('exec-resume');
  assert.deepEqual(read(lines, { resume: { id: 'x', spent } }).spend, [{ ...delta, model: 'gpt-scripted' }]);
  assert.deepEqual(
    read(lines, {
      resume: { id: 'x', spent: { ...spent, inputTokens: 9_999, outputTokens: 999, cacheReadTokens: 999 } },
    }).spend,
    [],
  );
});

test('a program that only prints a message, or nothing, and exits 0 is a normal agent', () => {
  assert.deepEqual(outcomeOf([says]), { kind: 'done', result: 'all done' });
  assert.deepEqual(outcomeOf([]), { kind: 'done', result: '' });
  assert.deepEqual(outcomeOf(['hello', 'world']), { kind: 'done', result: '' });
});

test('a turn that was begun and has no end is a crash, whatever the exit code says', () => {
  assert.equal(codeOf(outcomeOf([...begun, says])), 'agent_crashed');
  assert.equal(codeOf(outcomeOf([...begun, says], { code: null, signal: 'SIGKILL' })), 'agent_crashed');
  assert.equal(codeOf(outcomeOf([...begun, says], { code: 137, signal: 'SIGKILL' })), 'agent_crashed');
  assert.equal(codeOf(outcomeOf([...begun, says, completed])), 'done');
});

test('a failed exit is a failure even after output, with the end of stderr in its words', () => {
  const outcome = outcomeOf([says], { code: 3, errors: 'one\n  two\n' });
  assert.ok(outcome.kind === 'failed' && outcome.code === 'agent_failed');
  assert.equal(outcome.message, 'codex exited with code 3: one two');
  assert.equal(codeOf(outcomeOf([...begun, says, completed], { code: 1 })), 'agent_failed');
});

test('when it was ended for not leaving, its own last word decides', () => {
  const killed = { code: null, signal: 'SIGKILL', finished: true } as const;
  assert.deepEqual(outcomeOf([...begun, says, completed], killed), {
    kind: 'done',
    result: 'all done',
    stopReason: 'completed',
  });
  assert.equal(codeOf(outcomeOf([...begun, failed], killed)), 'model_authentication');
});

test('a session that is not there, and one that the model takes no more, is lost', () => {
  const errors =
    'Error: thread/resume: thread/resume failed: no rollout found for thread id 01a2 (code -32600)';
  assert.equal(codeOf(outcomeOf([], { code: 1, errors })), 'session_lost');
  const wrong = JSON.stringify({ error: { message: 'The encrypted content could not be verified.' } });
  const lines = [...begun, JSON.stringify({ type: 'turn.failed', error: { message: wrong } })];
  const spent = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, microdollars: 0 };
  assert.equal(codeOf(outcomeOf(lines, { code: 1 }, { resume: { id: 't-1', spent } })), 'session_lost');
  assert.equal(codeOf(outcomeOf(lines, { code: 1 })), 'agent_failed');
});

test('an answer that is no JSON, where a schema was asked for, is invalid', () => {
  const outputSchema = { type: 'object' };
  assert.equal(codeOf(outcomeOf([...begun, says, completed], {}, { outputSchema })), 'answer_invalid');
  assert.equal(codeOf(outcomeOf([...begun, completed], {}, { outputSchema })), 'answer_invalid');
});

test('it knows no interrupt but signals', () => {
  const reader = createExecReader(task, 'gpt-scripted');
  reader.read(recorded('exec-cancelled'));
  assert.equal(reader.interrupt(), undefined);
});
