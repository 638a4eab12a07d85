import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noSpend } from '../../../domain/spend.ts';
import { taskStates, type TaskState } from '../../../domain/task-state.ts';
import type { Iteration, Work } from '../../../services/read-work.ts';
import type { Task } from '../../../services/show-task.ts';
import { doneData, statesOf, statusOf, taskBodyOf, taskRowBody } from './projection.ts';
import { codeforgeStatuses, type CodeforgeStatus } from './schemas.ts';
import { uptimeText } from './system-routes.ts';

/** The contract's table, column CodeForge, written down a second time on purpose. */
const wanted: Readonly<Record<TaskState, CodeforgeStatus>> = {
  draft: 'pending',
  pending: 'pending',
  cloning: 'cloning',
  running: 'running',
  paused: 'running',
  waiting_for_user: 'running',
  completed: 'completed',
  reviewing: 'reviewing',
  awaiting_instruction: 'awaiting_instruction',
  creating_pr: 'creating_pr',
  pr_created: 'pr_created',
  failed: 'failed',
  cancelled: 'failed',
};

const task: Task = {
  id: '77a2ffbd-11b6-4654-9325-89306d55bc89',
  number: 7,
  state: 'pending',
  kind: 'code',
  repositoryUrl: 'https://git.example.com/a/b.git',
  iteration: 1,
  failure: null,
  branch: null,
  pullRequestNumber: null,
  pullRequestUrl: null,
  changes: null,
  createdAt: new Date('2026-02-26T18:38:10.277Z'),
  startedAt: null,
  finishedAt: null,
  ownerId: '',
  accessTokenId: null,
  prompt: 'Fix it',
  currentPrompt: null,
  options: { timeoutSeconds: 300, agent: 'script' },
  publish: 'manual',
  providerKey: null,
  callbackUrl: null,
  result: null,
  review: null,
  isPosting: false,
  tests: null,
  patchBlobId: null,
  durationMs: 0,
  workflowRunId: null,
  traceId: '0123456789abcdef0123456789abcdef',
  lastEventId: 1,
};

const work: Work = { spend: noSpend, iterations: undefined };
const failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'it broke' } as const;

test('every stored state has its word, in the task, in lists and at the end of the stream', () => {
  for (const state of taskStates) {
    const of = { ...task, state };
    assert.equal(statusOf(state), wanted[state]);
    assert.equal(taskBodyOf(of, work).status, wanted[state]);
    assert.equal(taskRowBody({ ...of, promptStart: '' }).status, wanted[state]);
    assert.equal(doneData(of).status, wanted[state]);
  }
});

test('every word stands for just the states that show it, and no other word for any', () => {
  for (const status of codeforgeStatuses) {
    assert.deepEqual(
      statesOf(status),
      taskStates.filter((state) => wanted[state] === status),
    );
  }
  for (const odd of ['cancelled', 'draft', 'canceling', '', 'constructor'])
    assert.deepEqual(statesOf(odd), []);
});

test('a cancelled task is failed because the user canceled it, whatever failed before', () => {
  const cancelled = taskBodyOf({ ...task, state: 'cancelled', failure }, work);
  assert.equal(cancelled.error, 'canceled by user');
  assert.equal(taskBodyOf({ ...task, state: 'failed', failure }, work).error, 'it broke');
  assert.ok(!('error' in taskBodyOf({ ...task, state: 'completed' }, work)));
});

const iteration: Iteration = {
  number: 2,
  prompt: 'and tests',
  resultStart: null,
  agentVersion: null,
  state: 'queued',
  cause: 'follow_up',
  failure: null,
  changes: null,
  durationMs: 0,
  spend: noSpend,
  startedAt: new Date('2026-02-26T18:40:00Z'),
  endedAt: null,
};

test('every iteration stands in this window’s words, the one at hand as its task does', () => {
  const cases: readonly (readonly [TaskState, Partial<Iteration>, string, string?])[] = [
    ['awaiting_instruction', {}, 'awaiting_instruction'],
    ['running', { number: 3 }, 'awaiting_instruction'],
    ['creating_pr', {}, 'awaiting_instruction'],
    ['awaiting_instruction', { state: 'preparing' }, 'awaiting_instruction'],
    ['running', { state: 'running' }, 'running'],
    ['running', { state: 'collecting' }, 'running'],
    ['waiting_for_user', { state: 'running' }, 'running'],
    ['waiting_for_user', { state: 'parked' }, 'running'],
    ['awaiting_instruction', { state: 'queued', cause: 'resumed' }, 'awaiting_instruction'],
    ['running', { state: 'queued', cause: 'retry' }, 'running'],
    ['completed', { state: 'succeeded' }, 'completed'],
    ['creating_pr', { state: 'succeeded' }, 'completed'],
    ['running', { state: 'succeeded', number: 1 }, 'completed'],
    ['failed', { state: 'succeeded', number: 1 }, 'completed'],
    ['failed', { state: 'succeeded' }, 'failed', 'it broke'],
    ['failed', { state: 'lost' }, 'failed', 'it broke'],
    ['failed', { state: 'failed', failure: { ...failure, message: 'mine' } }, 'failed', 'mine'],
    ['failed', { state: 'cancelled' }, 'failed', 'the task failed before this instruction was taken up'],
    ['cancelled', { state: 'cancelled' }, 'failed', 'canceled by user'],
    ['cancelled', { state: 'parked' }, 'failed', 'canceled by user'],
  ];
  for (const [state, change, status, error] of cases) {
    const of = { ...task, iteration: 2, state, failure: state === 'failed' ? failure : null };
    const [body] = taskBodyOf(of, { ...work, iterations: [{ ...iteration, ...change }] }).iterations ?? [];
    assert.deepEqual([body?.status, body?.error], [status, error], `${state} ${JSON.stringify(change)}`);
  }
});

test('a first iteration that has not begun is no record', () => {
  const waits = { ...iteration, startedAt: null };
  const first = { ...waits, number: 1, cause: 'first' } as const;
  assert.deepEqual(taskBodyOf(task, { ...work, iterations: [first] }).iterations, []);
  assert.equal(taskBodyOf(task, { ...work, iterations: [waits] }).iterations?.length, 1);
});

test('the configuration shows what was asked for, money in dollars', () => {
  const options = {
    ...task.options,
    testCommand: 'npm test',
    model: 'm',
    maxTurns: 20,
    maxBudgetMicrodollars: 5_250_000,
    approvals: 'ask',
    partialMessages: true,
    pullRequestNumber: 42,
    outputMode: 'post_comments',
    workspaceTaskId: '0b4f2f6e-6f7c-4b40-9a3f-6d3f0c0f9a11',
  } as const;
  assert.deepEqual(taskBodyOf({ ...task, options }, work).config, {
    timeout_seconds: 300,
    cli: 'script',
    test_command: 'npm test',
    ai_model: 'm',
    approvals: 'ask',
    max_turns: 20,
    max_budget_usd: 5.25,
    partial_messages: true,
    pr_number: 42,
    output_mode: 'post_comments',
    workspace_task_id: '0b4f2f6e-6f7c-4b40-9a3f-6d3f0c0f9a11',
  });
});

test('what came of the tests is shown, and nothing where nobody asked for any', () => {
  assert.ok(!('tests' in taskBodyOf(task, work)));
  const tests = {
    command: 'npm test',
    passed: false,
    exitCode: null,
    reason: 'it ran longer than 300s',
    output: '',
    durationSeconds: 300,
    commit: '1'.repeat(40),
  };
  assert.deepEqual(taskBodyOf({ ...task, tests }, work).tests, {
    command: 'npm test',
    passed: false,
    exit_code: null,
    reason: 'it ran longer than 300s',
    output: '',
    duration_seconds: 300,
  });
});

test('a review is shown with every field, empty ones too, and none where there was none', () => {
  assert.ok(!('review_result' in taskBodyOf(task, work)));
  const review = {
    verdict: 'request_changes',
    score: 0,
    summary: '',
    issues: [{ severity: 'major', file: '', line: 0, description: 'No tests', suggestion: '' }],
    autoFixable: false,
    reviewedBy: 'script',
    durationSeconds: 22.3,
  } as const;
  assert.deepEqual(taskBodyOf({ ...task, review }, work).review_result, {
    verdict: 'request_changes',
    score: 0,
    summary: '',
    issues: [{ severity: 'major', file: '', line: 0, description: 'No tests', suggestion: '' }],
    auto_fixable: false,
    reviewed_by: 'script',
    duration_seconds: 22.3,
  });
});

test('tokens are usage also where no time was counted, and nothing is none', () => {
  assert.ok(!('usage' in taskBodyOf(task, work)));
  assert.deepEqual(taskBodyOf(task, { ...work, spend: { ...noSpend, inputTokens: 7 } }).usage, {
    input_tokens: 7,
    output_tokens: 0,
    duration_seconds: 0,
  });
});

test('uptime is written as Go writes durations', () => {
  const cases = [
    [0, '0s'],
    [59.9, '59s'],
    [60, '1m0s'],
    [330, '5m30s'],
    [3_600, '1h0m0s'],
    [93_609, '26h0m9s'],
    [-1, '0s'],
  ] as const;
  for (const [seconds, text] of cases) assert.equal(uptimeText(seconds), text);
});
