import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLines } from '../agent.contract.ts';
import type { AgentEvent, AgentTask } from '../agent.ts';
import { createClaudeReader } from './reader.ts';

const task: AgentTask = { taskId: 'task-1', runId: 'run-1', iteration: 1, prompt: 'mend it' };

function recorded(name: string): readonly string[] {
  return recordedLines(new URL(`recordings/${name}.jsonl`, import.meta.url));
}

function brief(events: readonly AgentEvent[]): readonly string[] {
  return events.map(({ type, content }) => `${type} ${content.slice(0, 40)}`);
}

function readOne(line: unknown, asked: Partial<AgentTask> = {}) {
  return createClaudeReader({ ...task, ...asked }).read([JSON.stringify(line)]);
}

test('a run is told in events, each with its line beside it', () => {
  const { events, session, version, spend, ended } = createClaudeReader(task).read(recorded('success'));
  assert.deepEqual(brief(events), [
    'system Claude Code 2.1.330, model claude-opus-5',
    'thinking I should create the file first.',
    'text I will run a tool.',
    `tool_use Bash {"command":"printf 'hello from fake`,
    'tool_result ?? hello.txt',
    'text Done: step 1 of write.',
    'result Done: step 1 of write.',
  ]);
  assert.ok(events.every(({ raw }) => raw !== undefined));
  assert.deepEqual([session, version, ended], ['c548c982-d900-49ce-8917-8b1185af158e', '2.1.330', true]);
  assert.deepEqual(spend, [
    {
      model: 'claude-opus-5-5',
      inputTokens: 2_400,
      outputTokens: 84,
      cacheReadTokens: 600,
      cacheWriteTokens: 100,
      microdollars: 11_900,
    },
  ]);
});

test('text that came as it was written is not told again by the line that repeats it', () => {
  const { events } = createClaudeReader({ ...task, partialMessages: true }).read(recorded('partial'));
  const told = events.filter(({ type }) => type === 'text' || type === 'thinking');
  assert.deepEqual(brief(told), [
    'thinking I should create the file first.',
    'text I will run a tool.',
    'text Done: step 1 of write.',
  ]);
  assert.equal(events.filter(({ type }) => type === 'tool_use').length, 1);
});

test('a full line that says something else than was streamed is told', () => {
  const delta = {
    type: 'stream_event',
    event: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'The beg' } },
  };
  const full = {
    type: 'assistant',
    message: { content: [{ type: 'text', text: 'The beginning and the end.' }] },
  };
  const reader = createClaudeReader(task);
  const { events } = reader.read([JSON.stringify(delta), JSON.stringify(full), JSON.stringify(full)]);
  assert.deepEqual(brief(events), [
    'text The beg',
    'text The beginning and the end.',
    'text The beginning and the end.',
  ]);
});

test('several blocks of one line are an event each, and an unknown one is kept', () => {
  const content = [
    { type: 'text', text: 'one' },
    { type: 'tool_use', id: 't', name: 'Read', input: { file_path: 'a' } },
    { type: 'hologram' },
  ];
  assert.deepEqual(brief(readOne({ type: 'assistant', message: { content } }).events), [
    'text one',
    'tool_use Read {"file_path":"a"}',
    'system hologram',
  ]);
  assert.deepEqual(brief(readOne({ type: 'assistant', message: { content: 'plain' } }).events), [
    'text plain',
  ]);
});

const results: readonly (readonly [unknown, string])[] = [
  ['as it is', 'as it is'],
  [
    [
      { type: 'text', text: 'a' },
      { type: 'image', source: {} },
    ],
    'a\n[image]',
  ],
  [undefined, ''],
];
for (const [content, words] of results) {
  test(`a tool's result ${JSON.stringify(content)} reads ${JSON.stringify(words)}`, () => {
    const line = { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 't', content }] } };
    assert.deepEqual(
      readOne(line).events.map(({ type, content: text }) => [type, text]),
      [['tool_result', words]],
    );
  });
}

test("the program's own words for a failed request are an error, never text", () => {
  const { events } = createClaudeReader(task).read(recorded('error-529'));
  assert.deepEqual(
    events.map(({ type }) => type),
    ['system', 'system', 'error', 'error'],
  );
  assert.equal(events[1]?.content, 'the request failed (529 overloaded), retry 1 of 1 in 522 ms');
});

test('a tool server that did not start is told', () => {
  const line = {
    type: 'system',
    subtype: 'init',
    model: 'm',
    mcp_servers: [
      { name: 'one', status: 'connected' },
      { name: 'two', status: 'failed' },
    ],
  };
  assert.match(readOne(line).events[0]?.content ?? '', /MCP servers not connected: two failed$/u);
});

test("the conversation's id is the reported one, and a resume that found none reports none", () => {
  assert.equal(readOne({ type: 'result', result: 'x', session_id: 'told late' }).session, 'told late');
  assert.equal(createClaudeReader(task).read(recorded('unknown-session')).session, undefined);
  const reader = createClaudeReader(task);
  const init = JSON.stringify({ type: 'system', subtype: 'init', session_id: 'a' });
  assert.deepEqual([reader.read([init]).session, reader.read([init]).session], ['a', undefined]);
});

test('a question is told, and its answer allows what was asked and no more', () => {
  const reader = createClaudeReader({ ...task, approvals: 'ask' });
  const [question] = reader.read(recorded('ask-allow')).questions;
  assert.ok(question);
  assert.equal(question.summary, "printf 'hello from fake model\\n' > hello.txt && git status --short");
  const response = (allow: boolean, reason: string) =>
    JSON.parse(reader.answer(question, { allow, reason }).text).response;
  assert.deepEqual(response(true, ''), {
    request_id: question.requestId,
    subtype: 'success',
    response: { behavior: 'allow', updatedInput: question.arguments },
  });
  assert.deepEqual(response(false, 'not on a Friday').response, {
    behavior: 'deny',
    message: 'not on a Friday',
  });
  assert.equal(response(false, '').response.message, 'This was not allowed.');
});

test('a question of the model to people is denied with the advice to decide', () => {
  const reader = createClaudeReader({ ...task, approvals: 'ask' });
  const [question] = reader.read(recorded('ask-question')).questions;
  assert.ok(question);
  assert.equal(question.summary, 'Which?');
  assert.match(reader.answer(question, { allow: false, reason: 'No.' }).text, /No\. .*decide by yourself/u);
});

test('a summary is one line in which nothing can hide', () => {
  const request = {
    subtype: 'can_use_tool',
    tool_name: 'Bash',
    input: { command: 'ls\n\u001B[2K\u2028rm -rf .' },
  };
  const { questions } = readOne({ type: 'control_request', request_id: 'q', request }, { approvals: 'ask' });
  assert.equal(questions[0]?.summary, 'ls [2K rm -rf .');
});

test('what else the program asks its host is refused at once, and nothing where nobody can be asked', () => {
  const line = { type: 'control_request', request_id: 'q', request: { subtype: 'hook_callback' } };
  const { inputs, questions } = readOne(line, { approvals: 'ask' });
  assert.deepEqual([inputs[0]?.key, questions], ['refuse:q', []]);
  assert.equal(JSON.parse(inputs[0]?.text ?? '').response.subtype, 'error');
  const silent = readOne({ ...line, request: { subtype: 'can_use_tool' } });
  assert.deepEqual([silent.inputs, silent.questions, silent.events.length], [[], [], 1]);
});

test('with stdin open the result closes it, and only then can a turn be interrupted', () => {
  const asking = createClaudeReader({ ...task, approvals: 'ask' });
  assert.deepEqual(asking.read(recorded('ask-deny')).inputs, [{ key: 'end', text: '', end: true }]);
  assert.equal(
    asking.interrupt()?.text,
    '{"type":"control_request","request_id":"interrupt-run-1","request":{"subtype":"interrupt"}}\n',
  );
  const oneShot = createClaudeReader(task);
  assert.deepEqual(oneShot.read(recorded('success')).inputs, []);
  assert.equal(oneShot.interrupt(), undefined);
});
