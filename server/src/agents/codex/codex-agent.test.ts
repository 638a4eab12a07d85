import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contractPlace, recordedLines, testAgentContract, type AgentRecording } from '../agent.contract.ts';
import type { AgentCommand, AgentExit, AgentSession, AgentTask } from '../agent.ts';
import { createCodexAgent } from './codex-agent.ts';

const agent = createCodexAgent({ modelRetries: 2, defaultModel: 'gpt-scripted' });
const task: AgentTask = { taskId: 'task-1', runId: 'run-1', iteration: 1, prompt: 'mend it' };

const asked: Partial<AgentTask> = { approvals: 'ask' };
const partial: Partial<AgentTask> = { partialMessages: true };
const outputSchema: AgentTask['outputSchema'] = {
  type: 'object',
  properties: { ok: { type: 'boolean' }, file: { type: 'string' } },
  required: ['ok', 'file'],
  additionalProperties: false,
};

/** The conversation had two requests, of 1,200 tokens in and 42 out each, before the run that was recorded. */
const resumed: AgentSession = {
  id: '01a200b6-6361-7932-bb9f-5722985b7bce',
  spent: {
    inputTokens: 2_400,
    outputTokens: 84,
    cacheReadTokens: 600,
    cacheWriteTokens: 0,
    microdollars: 0,
  },
};

type Row = Omit<AgentRecording, 'lines' | 'exit'> & { readonly exit?: Partial<AgentExit> };

const failedExit: Partial<AgentExit> = { code: 1 };

/** Codex 0.169.0 against a scripted model; a row's name is its file's unless it names one. */
const rows: readonly (Row & { readonly file?: string })[] = [
  { name: 'exec-success', expected: { kind: 'done', result: 'Done: step 1 of write.' }, endsAt: 9 },
  { name: 'exec-mcp', expected: { kind: 'done', result: 'Done: step 1 of mcp.' }, endsAt: 9 },
  { name: 'exec-resume', task: { resume: resumed }, expected: { kind: 'done' }, endsAt: 6 },
  { name: 'exec-fork', task: { resume: { ...resumed, fork: true } }, expected: { kind: 'done' }, endsAt: 6 },
  { name: 'exec-flaky-3', expected: { kind: 'done', result: 'Done: at last.' }, endsAt: 6 },
  // The program keeps a model's refusal to itself: its turn just has no answer.
  { name: 'exec-refuse', expected: { kind: 'done', result: '' }, endsAt: 4 },
  {
    name: 'exec-schema',
    task: { outputSchema },
    expected: { kind: 'done', structured: { ok: true, file: 'hello.txt' } },
    endsAt: 6,
  },
  {
    name: 'exec-schema-invalid',
    task: { outputSchema },
    expected: { kind: 'failed', code: 'answer_invalid', retryable: false },
    endsAt: 6,
  },
  {
    name: 'exec-schema-invalid, where the schema is a wish',
    file: 'exec-schema-invalid',
    task: { outputSchema, schemaIsWish: true },
    expected: { kind: 'done', result: '{"ok":"perhaps"}', structured: undefined },
    endsAt: 6,
  },
  ...(
    [
      ['exec-401', 'model_authentication', false, 6],
      ['exec-403', 'model_authentication', false, 6],
      ['exec-429', 'model_rate_limit', true, 6],
      ['exec-500', 'model_overloaded', true, 6],
      ['exec-529', 'model_overloaded', true, 6],
      ['exec-overflow', 'context_overflow', false, 5],
      ['exec-cut', 'model_overloaded', true, 6],
      ['exec-error-in-stream', 'model_overloaded', true, 6],
    ] as const
  ).map(([name, code, retryable, endsAt]): Row => {
    return { name, exit: failedExit, expected: { kind: 'failed', code, retryable }, endsAt };
  }),
  { name: 'exec-cancelled', exit: failedExit, expected: { kind: 'failed', code: 'agent_failed' } },
  {
    name: 'app-accept',
    task: asked,
    expected: { kind: 'done', result: 'Done: step 1 of write.' },
    endsAt: 32,
    questions: ['exec_command'],
  },
  { name: 'app-deny', task: asked, expected: { kind: 'done' }, endsAt: 20, questions: ['exec_command'] },
  { name: 'app-patch', task: asked, expected: { kind: 'done' }, endsAt: 20, questions: ['apply_patch'] },
  { name: 'app-patch-deny', task: asked, expected: { kind: 'done' }, endsAt: 20, questions: ['apply_patch'] },
  {
    name: 'app-mcp-allow',
    task: asked,
    expected: { kind: 'done' },
    endsAt: 22,
    questions: ['mcp__fake__ping'],
  },
  {
    name: 'app-mcp-deny',
    task: asked,
    expected: { kind: 'done' },
    endsAt: 22,
    questions: ['mcp__fake__ping'],
  },
  { name: 'app-partial-write', task: partial, expected: { kind: 'done' }, endsAt: 24 },
  { name: 'app-resume', task: { ...partial, resume: resumed }, expected: { kind: 'done' }, endsAt: 24 },
  {
    name: 'app-fork',
    task: { ...partial, resume: { ...resumed, fork: true } },
    expected: { kind: 'done' },
    endsAt: 18,
  },
  {
    name: 'app-schema',
    task: { outputSchema, maxTurns: 9 },
    expected: { kind: 'done', structured: { ok: true, file: 'hello.txt' } },
    endsAt: 14,
  },
  { name: 'app-max-turns-reached', task: { maxTurns: 2 }, expected: { kind: 'done' }, endsAt: 19 },
  {
    name: 'app-max-turns',
    task: { maxTurns: 2 },
    expected: { kind: 'failed', code: 'turns_exceeded', retryable: false },
    endsAt: 24,
  },
  {
    name: 'app-interrupt-tool',
    task: partial,
    expected: { kind: 'failed', code: 'agent_failed' },
    endsAt: 20,
  },
  {
    name: 'app-interrupt-stream',
    task: partial,
    expected: { kind: 'failed', code: 'agent_failed' },
    endsAt: 12,
  },
  {
    name: 'app-interrupt-question',
    task: asked,
    expected: { kind: 'failed', code: 'agent_failed' },
    endsAt: 17,
    questions: ['exec_command'],
  },
  {
    name: 'app-unknown-session',
    task: { ...asked, resume: resumed },
    expected: { kind: 'failed', code: 'session_lost', retryable: true },
    endsAt: 2,
  },
  {
    name: 'app-401',
    task: asked,
    expected: { kind: 'failed', code: 'model_authentication', retryable: false },
    endsAt: 11,
  },
  {
    name: 'app-500',
    task: asked,
    expected: { kind: 'failed', code: 'model_overloaded', retryable: true },
    endsAt: 11,
  },
  {
    name: 'app-cut',
    task: asked,
    expected: { kind: 'failed', code: 'model_overloaded', retryable: true },
    endsAt: 13,
  },
];

testAgentContract({
  agent,
  task,
  recordings: rows.map((row) => ({
    ...row,
    lines: recordedLines(new URL(`recordings/${row.file ?? row.name}.jsonl`, import.meta.url)),
    exit: { code: 0, signal: null, errors: '', ...row.exit },
  })),
});

function commandFor(wanted: Partial<AgentTask>): AgentCommand {
  return agent.command({ ...task, ...wanted }, contractPlace);
}

function argumentsFor(wanted: Partial<AgentTask>): readonly string[] {
  const [program, ...rest] = commandFor(wanted).argv;
  assert.equal(program, contractPlace.program);
  return rest;
}

const flags = ['--json', '--skip-git-repo-check'];

test('a plain task is one command without any flag that it does not need', () => {
  assert.deepEqual(argumentsFor({}), ['exec', ...flags, 'mend it']);
  assert.deepEqual(argumentsFor({ model: 'gpt-9' }), ['exec', ...flags, '-m', 'gpt-9', 'mend it']);
  assert.deepEqual([commandFor({}).input, commandFor({}).keepInput], ['', undefined]);
});

test('a session is resumed or forked by its id', () => {
  const { id } = resumed;
  assert.deepEqual(argumentsFor({ resume: resumed }), ['exec', 'resume', ...flags, id, 'mend it']);
  const forked = argumentsFor({ resume: { ...resumed, fork: true } });
  assert.deepEqual(forked, ['exec', 'fork', ...flags, id, 'mend it']);
});

test('a prompt that is no argument, or would be taken for something else, goes by stdin', () => {
  const longest = 'x'.repeat(131_071);
  assert.equal(argumentsFor({ prompt: longest }).at(-1), longest);
  for (const prompt of [`${longest}x`, '€'.repeat(50_000), '--help', '-', 'resume', 'review', 'a\u0000b']) {
    const { argv, input } = commandFor({ prompt });
    assert.deepEqual([argv.at(-1), input], ['-', prompt]);
  }
  assert.equal(argumentsFor({ prompt: 'resume the work' }).at(-1), 'resume the work');
});

test('a schema is a file of the home', () => {
  const path = '.codex/answer-schema.json';
  const { argv, homeFiles } = commandFor({ outputSchema });
  assert.ok(argv.join(' ').includes(`--output-schema ${contractPlace.home}/${path} `));
  assert.deepEqual(JSON.parse(homeFiles?.[path] ?? ''), outputSchema);
});

test('approvals, partial messages and a limit of turns are a conversation, whose stdin stays open', () => {
  for (const wanted of [asked, partial, { maxTurns: 3 }]) {
    const { argv, keepInput, input } = commandFor({ ...wanted, prompt: '--help', outputSchema });
    assert.deepEqual(argv, [contractPlace.program, 'app-server']);
    assert.equal(keepInput, true);
    assert.equal(JSON.parse(input).method, 'initialize');
  }
  assert.deepEqual(argumentsFor({ partialMessages: false })[0], 'exec');
});

test('its environment is its own folder and a word in the place of the key', () => {
  assert.deepEqual(commandFor({}).env, {
    CODEX_HOME: '/home/agent/.codex',
    SLIPWAY_MODEL_KEY: 'relay',
    NO_COLOR: '1',
  });
});

test('a budget in money, which it could not keep, is refused', () => {
  assert.equal(agent.refuse({ ...task, maxBudgetMicrodollars: 1_000_000 })?.field, 'maxBudget');
});

test('its conversations are the only files that move with a session', () => {
  const { model, sessionFolders } = agent.abilities;
  assert.deepEqual({ model, sessionFolders }, { model: 'openai', sessionFolders: ['.codex/sessions'] });
});
