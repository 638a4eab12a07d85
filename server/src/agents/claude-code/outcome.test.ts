import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLines } from '../agent.contract.ts';
import type { AgentExit, AgentOutcome, AgentTask } from '../agent.ts';
import { createClaudeReader } from './reader.ts';

const task: AgentTask = { taskId: 'task-1', runId: 'run-1', iteration: 1, prompt: 'mend it' };
const clean: AgentExit = { code: 0, signal: null, errors: '' };

function outcomeOf(lines: readonly unknown[], exit: Partial<AgentExit> = {}): AgentOutcome {
  const reader = createClaudeReader(task);
  reader.read(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))));
  return reader.outcome({ ...clean, ...exit });
}

function told(outcome: AgentOutcome): string {
  return outcome.kind === 'done' ? `done: ${outcome.result}` : `${outcome.code}: ${outcome.message}`;
}

const init = { type: 'system', subtype: 'init', session_id: 's', model: 'm', claude_code_version: '2.1.330' };
const good = {
  type: 'result',
  subtype: 'success',
  is_error: false,
  result: 'all well',
  stop_reason: 'end_turn',
};
const says = (text: string, parent: string | null = null) => ({
  type: 'assistant',
  parent_tool_use_id: parent,
  message: { content: [{ type: 'text', text }] },
});

const rows: readonly (readonly [string, readonly unknown[], Partial<AgentExit>, string])[] = [
  ['a good result and a good exit', [init, good], {}, 'done: all well'],
  ['the last of several results', [{ ...good, result: 'early' }, good], {}, 'done: all well'],
  [
    'a good result and a bad exit',
    [good],
    { code: 3, errors: 'a\nhook failed\n' },
    'agent_failed: the program exited with code 3: hook failed',
  ],
  [
    'a good result, and a kill that was not ours',
    [good],
    { code: null, signal: 'SIGKILL' },
    'agent_crashed: the program was ended by SIGKILL',
  ],
  [
    'a good result of a program that we ended for staying',
    [good],
    { code: null, signal: 'SIGKILL', finished: true },
    'done: all well',
  ],
  ['a result without a word about errors', [{ type: 'result', result: 'x' }], {}, 'done: x'],
  [
    'a result without text',
    [says('the answer'), { type: 'result', is_error: false }],
    {},
    'done: the answer',
  ],
  [
    'a stand-in without a result',
    [{ ...init, claude_code_version: undefined }, says('a'), says('b')],
    {},
    'done: b',
  ],
  ['a stand-in that prints text', ['working', 'finished', ''], {}, 'done: finished'],
  ['a stand-in that prints nothing', [], {}, 'done: '],
  ['an inner agent after the answer', [says('outer'), says('inner', 'toolu_1')], {}, 'done: outer'],
  [
    'the true program without a result',
    [init, says('half')],
    {},
    'agent_crashed: the program left without telling a result',
  ],
  [
    'the true program that broke',
    [init],
    { code: 134, errors: 'out of memory' },
    'agent_crashed: the program exited with code 134 without telling a result: out of memory',
  ],
  [
    'a flag that it does not know',
    [],
    { code: 1, errors: "error: unknown option '--json-schema'" },
    "agent_failed: the program exited with code 1: error: unknown option '--json-schema'",
  ],
  [
    'an unknown conversation, told on stderr alone',
    [],
    { code: 1, errors: 'No conversation found with session ID: s' },
    'session_lost: No conversation found with session ID: s',
  ],
  [
    'a refusal that is called a success',
    [{ ...good, result: 'I will not.', stop_reason: 'refusal' }],
    {},
    'model_refused: I will not.',
  ],
  [
    'an error that only its subtype tells',
    [{ type: 'result', subtype: 'error_during_execution', errors: ['it broke'] }],
    {},
    'agent_failed: it broke',
  ],
];
for (const [name, lines, exit, expected] of rows) {
  test(`${name}: ${expected}`, () => {
    assert.equal(told(outcomeOf(lines, exit)), expected);
  });
}

const statuses: readonly (readonly [number, string, boolean])[] = [
  [400, 'agent_failed', false],
  [401, 'model_authentication', false],
  [403, 'model_authentication', false],
  [404, 'agent_failed', false],
  [429, 'model_rate_limit', true],
  [500, 'model_overloaded', true],
  [502, 'model_overloaded', true],
  [503, 'model_overloaded', true],
  [529, 'model_overloaded', true],
];
for (const [status, code, retryable] of statuses) {
  test(`a request that failed for good with ${status} is ${code}`, () => {
    const line = {
      type: 'result',
      subtype: 'success',
      is_error: true,
      terminal_reason: 'api_error',
      api_error_status: status,
      result: `API Error: ${status} scripted`,
    };
    const outcome = outcomeOf([init, line], { code: 1 });
    assert.deepEqual(outcome.kind === 'failed' && [outcome.code, outcome.retryable], [code, retryable]);
  });
}

const messages: readonly (readonly [string, RegExp])[] = [
  ['error-401', /^Failed to authenticate\. API Error: 401 fake 401 \(.*ANTHROPIC_API_KEY.*ai_api_key\)$/u],
  [
    'error-529',
    /^API Error: 529 fake 529\. This is a server-side issue, usually temporary — try again in a moment\.$/u,
  ],
  ['max-turns', /^Reached maximum number of turns \(2\) \(allow more with max_turns/u],
  ['cancel-sigint', /^the turn was interrupted$/u],
];
for (const [name, words] of messages) {
  test(`what people read of ${name}: ${words.source}`, () => {
    const lines = recordedLines(new URL(`recordings/${name}.jsonl`, import.meta.url));
    const outcome = outcomeOf(lines, { code: 1 });
    assert.match(outcome.kind === 'failed' ? outcome.message : '', words);
  });
}

test('an answer by the schema stands beside the text, and in its place where there is none', () => {
  const outcome = outcomeOf([{ ...good, result: '', structured_output: { ok: true } }]);
  assert.deepEqual(outcome, {
    kind: 'done',
    result: '{"ok":true}',
    stopReason: 'end_turn',
    structured: { ok: true },
  });
});
