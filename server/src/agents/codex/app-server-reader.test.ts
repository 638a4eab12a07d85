import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLines } from '../agent.contract.ts';
import type { AgentInput, AgentQuestion, AgentReading, AgentTask } from '../agent.ts';
import { createAppServerReader } from './app-server-reader.ts';

const task: AgentTask = {
  taskId: 'task-1',
  runId: 'run-1',
  iteration: 1,
  prompt: 'mend "it"\n--now',
  approvals: 'ask',
};

function recorded(name: string): readonly string[] {
  return recordedLines(new URL(`recordings/${name}.jsonl`, import.meta.url));
}

function read(lines: readonly string[], wanted: Partial<AgentTask> = {}): AgentReading {
  return createAppServerReader({ ...task, ...wanted }, 'gpt-scripted').read(lines);
}

type Message = {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: unknown;
};

/** The lines of an input as what they say. */
function messagesOf(input: AgentInput | undefined): readonly Message[] {
  return (input?.text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function onlyQuestion(lines: readonly string[]): AgentQuestion {
  const [question, ...more] = read(lines).questions;
  assert.equal(more.length, 0);
  assert.ok(question !== undefined);
  return question;
}

function answerTo(question: AgentQuestion, allow: boolean): unknown {
  const [message] = messagesOf(createAppServerReader(task, 'm').answer(question, { allow, reason: 'no' }));
  return { id: message?.id, result: message?.result };
}

const hello =
  '{"id":1,"result":{"userAgent":"slipway/0.169.0 (Debian 12.0.0; x86_64) unknown (slipway; 1)"}}';
const opened = '{"id":2,"result":{"thread":{"id":"t-1"},"model":"gpt-9"}}';
const begun = '{"id":3,"result":{"turn":{"id":"u-1"}}}';

function request(id: number | string, method: string, params: object): string {
  return JSON.stringify({ id, method, params: { threadId: 't-1', turnId: 'u-1', ...params } });
}

function notification(method: string, params: object): string {
  return JSON.stringify({ method, params: { threadId: 't-1', turnId: 'u-1', ...params } });
}

test('each answer makes the next request: the conversation is opened, then its one turn begun', () => {
  const reader = createAppServerReader(task, 'gpt-scripted');
  const first = reader.read([hello]);
  assert.equal(first.version, '0.169.0');
  const [initialized, start] = messagesOf(first.inputs[0]);
  assert.deepEqual(initialized, { method: 'initialized' });
  assert.equal(start?.method, 'thread/start');
  assert.equal(start?.params?.['approvalPolicy'], 'untrusted');
  const second = reader.read([opened]);
  assert.equal(second.session, 't-1');
  const [turn] = messagesOf(second.inputs[0]);
  assert.equal(turn?.method, 'turn/start');
  assert.deepEqual(turn?.params, {
    threadId: 't-1',
    input: [{ type: 'text', text: task.prompt, text_elements: [] }],
  });
});

test('no folder is named, for a named one would be trusted with the repository’s own configuration', () => {
  for (const fork of [undefined, false, true]) {
    const spent = {
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      microdollars: 0,
    };
    const resume = fork === undefined ? {} : { resume: { id: 't-0', fork, spent } };
    const start = messagesOf(read([hello], resume).inputs[0])[1];
    assert.equal(start?.params?.['cwd'], undefined);
    assert.equal(start?.params?.['threadId'], fork === undefined ? undefined : 't-0');
    assert.equal(start?.method, fork === undefined ? 'thread/start' : fork ? 'thread/fork' : 'thread/resume');
  }
});

test('a task without questions allows everything, and is asked nothing', () => {
  const wanted = { approvals: undefined, maxTurns: 5 };
  const { approvals: _ask, ...free } = { ...task, ...wanted };
  const reader = createAppServerReader(free, 'm');
  assert.equal(messagesOf(reader.read([hello]).inputs[0])[1]?.params?.['approvalPolicy'], 'never');
  const asks = request(0, 'item/commandExecution/requestApproval', { kind: 'command', command: 'ls' });
  const { questions, inputs } = reader.read([asks]);
  assert.deepEqual(questions, []);
  assert.deepEqual(messagesOf(inputs[0]), [{ id: 0, result: { decision: 'accept' } }]);
});

test('a command is a question of one line, which holds no id and no time', () => {
  const question = onlyQuestion(recorded('app-accept'));
  assert.equal(question.tool, 'exec_command');
  assert.equal(
    question.summary,
    String.raw`printf 'hello from fake model\n' > hello.txt && git status --short`,
  );
  assert.deepEqual(Object.keys(question.arguments as object).sort(), ['command', 'cwd']);
  assert.deepEqual(answerTo(question, true), { id: 0, result: { decision: 'accept' } });
  assert.deepEqual(answerTo(question, false), { id: 0, result: { decision: 'decline' } });
});

test('the same wish in another run is the same question', () => {
  const [one, other] = [onlyQuestion(recorded('app-patch')), onlyQuestion(recorded('app-patch-deny'))];
  assert.deepEqual(one, other);
  assert.deepEqual(one.arguments, {
    changes: [{ path: '/workspace/patched.txt', kind: { type: 'add' }, diff: 'hello\n' }],
  });
});

test('a call of an MCP tool is a question with its own kind of answer', () => {
  const question = onlyQuestion(recorded('app-mcp-allow'));
  assert.deepEqual(question.arguments, { text: 'pong-please' });
  assert.deepEqual(answerTo(question, true), {
    id: 0,
    result: { action: 'accept', content: {}, _meta: null },
  });
  assert.deepEqual(answerTo(question, false), {
    id: 0,
    result: { action: 'decline', content: null, _meta: null },
  });
});

test('permissions are granted for the turn as they were asked for, or not at all', () => {
  const permissions = { network: { enabled: true }, fileSystem: null };
  const question = onlyQuestion([
    request('r-7', 'item/permissions/requestApproval', { permissions, reason: null }),
  ]);
  assert.deepEqual(answerTo(question, true), {
    id: 'r-7',
    result: { permissions: { network: { enabled: true } }, scope: 'turn' },
  });
  assert.deepEqual(answerTo(question, false), { id: 'r-7', result: { permissions: {}, scope: 'turn' } });
});

test('a form that nobody can fill in is declined, and an unknown request gets an error', () => {
  const form = request(4, 'mcpServer/elicitation/request', {
    serverName: 'fake',
    mode: 'form',
    message: 'Your name?',
    requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
  });
  const { inputs, questions } = read([form, request(5, 'item/tool/requestUserInput', { questions: [] })]);
  assert.deepEqual(questions, []);
  assert.deepEqual(messagesOf(inputs[0])[0]?.result, { action: 'decline', content: null, _meta: null });
  assert.notEqual(messagesOf(inputs[1])[0]?.error, undefined);
  assert.deepEqual(
    inputs.map(({ key }) => key),
    ['answer:4', 'answer:5'],
  );
});

test('an interrupt needs a turn, and is asked for once', () => {
  const reader = createAppServerReader(task, 'm');
  reader.read([hello, opened]);
  assert.equal(reader.interrupt(), undefined);
  reader.read([begun]);
  const input = reader.interrupt();
  assert.deepEqual(messagesOf(input)[0]?.params, { threadId: 't-1', turnId: 'u-1' });
  assert.equal(reader.interrupt()?.key, input?.key);
  reader.read([notification('turn/completed', { turn: { id: 'u-1', status: 'interrupted' } })]);
  assert.equal(reader.interrupt(), undefined);
});

test('after the turn the program’s stdin is closed', () => {
  const { inputs, ended } = read(recorded('app-accept'));
  assert.deepEqual(inputs.at(-1), { key: 'end', text: '', end: true });
  assert.equal(ended, true);
});

test('text that was told as it was written is not told again', () => {
  const { events } = read(recorded('app-partial-write'), { partialMessages: true });
  const told = (type: string): string =>
    events
      .filter((event) => event.type === type)
      .map(({ content }) => content)
      .join('|');
  assert.equal(told('text'), 'I will run a tool.|Done: step 1 of write.');
  assert.equal(told('thinking'), 'I should look at what was asked first.');
});

test('text of a message that was begun anew is told anew', () => {
  const delta = (itemId: string, text: string): string =>
    notification('item/agentMessage/delta', { itemId, delta: text });
  const item = { type: 'agentMessage', id: 'b', text: 'whole' };
  const { events } = read([delta('a', 'who'), delta('b', 'wh'), notification('item/completed', { item })]);
  assert.deepEqual(
    events.map(({ content }) => content),
    ['whowh', 'whole'],
  );
});

test('spend counts from what was there before this run, whatever the ledger knows', () => {
  const nothing = {
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    microdollars: 0,
  };
  for (const name of ['app-resume', 'app-fork']) {
    const { spend } = read(recorded(name), { resume: { id: 'x', spent: nothing } });
    for (const { inputTokens, outputTokens, cacheReadTokens, model } of spend) {
      assert.deepEqual([inputTokens, outputTokens, cacheReadTokens, model], [1_200, 42, 300, 'gpt-scripted']);
    }
    assert.equal(spend.length, name === 'app-resume' ? 2 : 1);
  }
});

test('the turn is broken off where the model would be asked once more than allowed, and not before', () => {
  const interrupts = (maxTurns: number): number =>
    read(recorded('app-max-turns'), { maxTurns }).inputs.filter(({ key }) => key === 'interrupt').length;
  assert.deepEqual([interrupts(2), interrupts(3)], [1, 0]);
  assert.ok(
    read(recorded('app-max-turns-reached'), { maxTurns: 2 }).inputs.every(({ key }) => key !== 'interrupt'),
  );
});

test('a tool that shows as no item is noticed by what comes after it', () => {
  const usage = notification('thread/tokenUsage/updated', { tokenUsage: { total: { inputTokens: 1 } } });
  const item = notification('item/started', { item: { type: 'agentMessage', id: 'a' } });
  const reader = createAppServerReader({ ...task, maxTurns: 1 }, 'm');
  assert.deepEqual(
    reader.read([hello, opened, begun, usage]).inputs.map(({ key }) => key),
    ['thread', 'turn'],
  );
  assert.deepEqual(
    reader.read([item]).inputs.map(({ key }) => key),
    ['interrupt'],
  );
});

test('another conversation, of an agent that the agent started, does not end the run but is counted', () => {
  const other = { threadId: 't-2', turnId: 'u-9' };
  const lines = [
    hello,
    opened,
    begun,
    notification('item/completed', { ...other, item: { type: 'agentMessage', id: 'x', text: 'not this' } }),
    notification('thread/tokenUsage/updated', { ...other, tokenUsage: { total: { inputTokens: 7 } } }),
    notification('turn/completed', { ...other, turn: { id: 'u-9', status: 'failed' } }),
  ];
  const { ended, spend } = read(lines);
  assert.equal(ended, false);
  assert.deepEqual(
    spend.map(({ inputTokens, model }) => [inputTokens, model]),
    [[7, 'gpt-9']],
  );
});

test('a conversation that cannot be opened, or stops without a word, is a failure at exit 0', () => {
  const exit = { code: 0, signal: null, errors: '' };
  const refused = createAppServerReader(task, 'm');
  assert.equal(
    refused.read([hello, '{"id":2,"error":{"code":-32600,"message":"no such model"}}']).ended,
    true,
  );
  assert.deepEqual(refused.outcome(exit), {
    kind: 'failed',
    code: 'agent_failed',
    message: 'no such model',
    retryable: false,
  });
  const silent = createAppServerReader(task, 'm').outcome(exit);
  assert.ok(silent.kind === 'failed' && silent.code === 'agent_crashed');
});

test('a new reader of the same lines asks for the same inputs under the same keys', () => {
  for (const name of ['app-accept', 'app-max-turns', 'app-resume']) {
    const lines = recorded(name);
    const reader = createAppServerReader({ ...task, maxTurns: 2 }, 'm');
    assert.deepEqual(
      lines.flatMap((line) => reader.read([line]).inputs),
      read(lines, { maxTurns: 2 }).inputs,
    );
  }
});
