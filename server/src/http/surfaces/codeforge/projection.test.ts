import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskStates, type TaskState } from '../../../domain/task-state.ts';
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
  changes: null,
  createdAt: new Date('2026-02-26T18:38:10.277Z'),
  startedAt: null,
  finishedAt: null,
  prompt: 'Fix it',
  currentPrompt: null,
  options: { timeoutSeconds: 300, agent: 'script' },
  publish: 'manual',
  providerKey: null,
  callbackUrl: null,
  result: null,
  patchBlobId: null,
  durationMs: 0,
  traceId: '0123456789abcdef0123456789abcdef',
  lastEventId: 1,
};

const failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'it broke' } as const;

test('every stored state has its word, in the task, in lists and at the end of the stream', () => {
  for (const state of taskStates) {
    const of = { ...task, state };
    assert.equal(statusOf(state), wanted[state]);
    assert.equal(taskBodyOf(of, false).status, wanted[state]);
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
  const cancelled = taskBodyOf({ ...task, state: 'cancelled', failure }, false);
  assert.equal(cancelled.error, 'canceled by user');
  assert.equal(taskBodyOf({ ...task, state: 'failed', failure }, false).error, 'it broke');
  assert.ok(!('error' in taskBodyOf({ ...task, state: 'completed' }, false)));
});

test('of a result the history keeps 2,000 characters, the task all', () => {
  const long = { ...task, state: 'completed', startedAt: new Date(), result: 'x'.repeat(5_000) } as const;
  const body = taskBodyOf(long, true);
  assert.equal(body.result?.length, 5_000);
  assert.equal(body.iterations?.[0]?.result?.length, 2_000);
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
