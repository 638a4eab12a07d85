import { recordedLines, testAgentContract, type AgentRecording } from '../agent.contract.ts';
import type { AgentExit, AgentSession, AgentTask } from '../agent.ts';
import { createClaudeCodeAgent } from './claude-code-agent.ts';

const task: AgentTask = { taskId: 'task-1', runId: 'run-1', iteration: 1, prompt: 'mend it' };

type Row = Omit<AgentRecording, 'lines' | 'exit'> & { readonly exit?: Partial<AgentExit> };

const asked: Partial<AgentTask> = { approvals: 'ask' };
const outputSchema: Partial<AgentTask> = { outputSchema: { type: 'object', required: ['ok'] } };
const wish: Partial<AgentTask> = { ...outputSchema, schemaIsWish: true };

/** The session had two requests of 5,950 microdollars each before the run that was recorded. */
const resumed: AgentSession = {
  id: '11111111-2222-4333-8444-555555555555',
  spent: {
    inputTokens: 2_400,
    outputTokens: 84,
    cacheReadTokens: 600,
    cacheWriteTokens: 100,
    microdollars: 11_900,
  },
};

/** Claude Code 2.1.330 against a scripted model; a row's name is its file's unless it names one. */
const rows: readonly (Row & { readonly file?: string })[] = [
  { name: 'success', expected: { kind: 'done', result: 'Done: step 1 of write.' }, endsAt: 9 },
  { name: 'partial', task: { partialMessages: true }, expected: { kind: 'done' }, endsAt: 35 },
  { name: 'mcp', expected: { kind: 'done', result: 'Done: step 1 of mcp.' }, endsAt: 9 },
  { name: 'resume', task: { resume: resumed }, expected: { kind: 'done' }, endsAt: 6 },
  { name: 'fork', task: { resume: { ...resumed, fork: true } }, expected: { kind: 'done' }, endsAt: 6 },
  {
    name: 'schema',
    task: outputSchema,
    expected: {
      kind: 'done',
      result: '{"ok":true,"file":"hello.txt"}',
      structured: { ok: true, file: 'hello.txt' },
    },
    endsAt: 8,
  },
  {
    name: 'schema-ignored',
    task: outputSchema,
    expected: { kind: 'failed', code: 'answer_invalid', retryable: false },
    endsAt: 11,
  },
  {
    name: 'schema-exhausted',
    task: outputSchema,
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'answer_invalid', retryable: false },
    endsAt: 27,
  },
  {
    name: 'schema-ignored, where the schema is a wish',
    file: 'schema-ignored',
    task: wish,
    expected: { kind: 'done', result: 'Done: step 0 of noschema.', structured: undefined },
    endsAt: 11,
  },
  {
    name: 'schema-exhausted, where the schema is a wish',
    file: 'schema-exhausted',
    task: wish,
    exit: { code: 1 },
    expected: { kind: 'done', result: '{"nope":1}', structured: undefined },
    endsAt: 27,
  },
  {
    name: 'schema, where it is a wish',
    file: 'schema',
    task: wish,
    expected: { kind: 'done', structured: { ok: true, file: 'hello.txt' } },
    endsAt: 8,
  },
  {
    name: 'max-turns',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'turns_exceeded', retryable: false },
    endsAt: 10,
  },
  {
    name: 'budget',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'budget_exceeded', retryable: false },
    endsAt: 13,
  },
  {
    name: 'error-401',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'model_authentication', retryable: false },
    endsAt: 3,
  },
  {
    name: 'error-429',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'model_rate_limit', retryable: true },
    endsAt: 3,
  },
  {
    name: 'error-529',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'model_overloaded', retryable: true },
    endsAt: 4,
  },
  {
    name: 'cut',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'model_overloaded', retryable: true },
    endsAt: 4,
  },
  {
    name: 'error-in-stream',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'model_overloaded', retryable: true },
    endsAt: 18,
  },
  {
    name: 'prompt-too-long',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'context_overflow', retryable: false },
    endsAt: 3,
  },
  {
    name: 'refusal',
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'model_refused', retryable: false },
    endsAt: 14,
  },
  {
    name: 'unknown-session',
    task: { resume: resumed },
    exit: {
      code: 1,
      errors: 'No conversation found with session ID: 11111111-2222-4333-8444-555555555555\n',
    },
    expected: { kind: 'failed', code: 'session_lost', retryable: true },
    endsAt: 1,
  },
  {
    name: 'resume-400',
    task: { resume: resumed },
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'session_lost', retryable: true },
    endsAt: 3,
  },
  // An interrupt leaves exit code 0 behind, and is no success.
  {
    name: 'cancel-sigint',
    expected: { kind: 'failed', code: 'agent_failed', retryable: false },
    endsAt: 9,
  },
  {
    name: 'cancel-sigterm',
    exit: { code: 143 },
    expected: { kind: 'failed', code: 'agent_crashed', retryable: true },
  },
  // Two turns in one process: its first last word counts for the time that it gets to leave.
  {
    name: 'ask-allow',
    task: asked,
    expected: { kind: 'done', result: 'Done: step 0 of text.' },
    questions: ['Bash'],
    endsAt: 11,
  },
  { name: 'ask-deny', task: asked, expected: { kind: 'done' }, questions: ['Bash'], endsAt: 14 },
  { name: 'ask-two', task: asked, expected: { kind: 'done' }, questions: ['Bash', 'Bash'], endsAt: 17 },
  {
    name: 'ask-question',
    task: asked,
    expected: { kind: 'done' },
    questions: ['AskUserQuestion'],
    endsAt: 13,
  },
  {
    name: 'ask-interrupt',
    task: asked,
    exit: { code: 1 },
    expected: { kind: 'failed', code: 'agent_failed', retryable: false },
    questions: ['Bash'],
    endsAt: 14,
  },
];

testAgentContract({
  agent: createClaudeCodeAgent({ modelRetries: 2 }),
  task,
  recordings: rows.map((row) => ({
    ...row,
    lines: recordedLines(new URL(`recordings/${row.file ?? row.name}.jsonl`, import.meta.url)),
    exit: { code: 0, signal: null, errors: '', ...row.exit },
  })),
});
