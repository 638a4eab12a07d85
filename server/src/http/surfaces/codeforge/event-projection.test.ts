import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventData, EventType } from '../../../domain/event.ts';
import { eventBody } from './event-projection.ts';

const at = new Date('2026-02-26T10:15:30.123Z');
const failure = { code: 'agent_failed', phase: 'agent', retryable: true, message: 'it broke' } as const;
const changes = { filesModified: 3, filesCreated: 1, filesDeleted: 2, insertions: 142, deletions: 38 };

const outline = { verdict: 'request_changes', score: 4, issues: 2 } as const;
const outlineBody = { verdict: 'request_changes', score: 4, issues_count: 2 };
const pullRequest = { number: 42, url: 'https://h/r/pull/42', branch: 'b', base: 'main' };
const pullRequestBody = { pr_number: 42, pr_url: 'https://h/r/pull/42', branch: 'b', base_branch: 'main' };

/** One of every kind; what it is to become; undefined: left out. */
const cases: {
  readonly [Type in EventType]: readonly [
    EventData[Type],
    readonly [string, string, object | null] | undefined,
  ];
} = {
  task_created: [{ source: 'codeforge' }, undefined],
  cancel_requested: [{}, undefined],
  clone_started: [{ repositoryUrl: 'https://h/r' }, ['git', 'clone_started', { repo_url: 'https://h/r' }]],
  clone_completed: [
    { branch: 'work', baseBranch: 'main', commit: 'c0' },
    ['git', 'clone_completed', { work_dir: '/workspace', branch: 'work', base_branch: 'main', commit: 'c0' }],
  ],
  agent_started: [
    { agent: 'script', iteration: 2 },
    ['system', 'cli_started', { cli: 'script', iteration: '2' }],
  ],
  agent_output: [
    { type: 'tool_use', content: 'ls', agent: 'script', raw: { a: 1 }, fullBytes: 9 },
    ['stream', 'output', { type: 'tool_use', content: 'ls', cli: 'script', raw: { a: 1 }, full_bytes: 9 }],
  ],
  commit_created: [{ commit: 'c0' }, ['git', 'commit_created', { commit: 'c0' }]],
  no_changes: [{}, ['system', 'no_changes', null]],
  task_completed: [
    { result: 'done', changes, durationSeconds: 4, iteration: 1 },
    [
      'result',
      'task_completed',
      {
        result: 'done',
        changes_summary: {
          files_modified: 3,
          files_created: 1,
          files_deleted: 2,
          diff_stats: '+142 -38',
        },
        usage: { input_tokens: 0, output_tokens: 0, duration_seconds: 4 },
        iteration: 1,
      },
    ],
  ],
  task_failed: [{ failure }, ['system', 'task_failed', { error: 'it broke' }]],
  task_cancelled: [{}, ['system', 'task_canceled', null]],
  task_timeout: [{ seconds: 300 }, ['system', 'task_timeout', { timeout_seconds: 300 }]],
  run_retried: [{ attempt: 2, failure }, ['system', 'run_retried', { attempt: 2, error: 'it broke' }]],
  run_lost: [{ attempt: 1 }, ['system', 'run_lost', { attempt: 1 }]],
  branch_pushed: [{ branch: 'b', commit: 'c0' }, ['git', 'branch_pushed', { branch: 'b', commit: 'c0' }]],
  branch_taken: [{ branch: 'b', next: 'b-1' }, ['git', 'branch_taken', { branch: 'b', next: 'b-1' }]],
  branch_gone: [{ branch: 'b' }, ['git', 'branch_gone', { branch: 'b' }]],
  pull_request_opened: [pullRequest, ['git', 'pull_request_opened', pullRequestBody]],
  pull_request_updated: [pullRequest, ['git', 'pull_request_updated', pullRequestBody]],
  pull_request_replaced: [
    { ...pullRequest, before: 7 },
    ['git', 'pull_request_replaced', { ...pullRequestBody, before: 7 }],
  ],
  labels_refused: [
    { labels: ['bot'], reason: 'no right to' },
    ['system', 'labels_refused', { labels: ['bot'], reason: 'no right to' }],
  ],
  instruction_added: [
    { iteration: 2, prompt: 'and tests' },
    ['system', 'instruction_added', { iteration: 2, prompt: 'and tests' }],
  ],
  session_lost: [
    { reason: 'its files are gone' },
    ['system', 'session_lost', { reason: 'its files are gone' }],
  ],
  approval_requested: [
    { approvalId: 'a1', tool: 'Bash', summary: 'rm x', expiresAt: '2026-02-26T11:00:00.000Z' },
    [
      'system',
      'approval_requested',
      { approval_id: 'a1', tool: 'Bash', summary: 'rm x', expires_at: '2026-02-26T11:00:00.000Z' },
    ],
  ],
  approval_decided: [
    { approvalId: 'a1', decision: 'denied', reason: 'no' },
    ['system', 'approval_decided', { approval_id: 'a1', decision: 'denied', reason: 'no' }],
  ],
  tests_started: [{ command: 'npm test' }, ['system', 'tests_started', { command: 'npm test' }]],
  tests_finished: [
    {
      command: 'npm test',
      passed: false,
      exitCode: 1,
      reason: 'exit code 1',
      output: 'not ok',
      durationSeconds: 2,
      commit: 'c0ffee',
    },
    ['system', 'tests_finished', { passed: false, exit_code: 1, reason: 'exit code 1', duration_seconds: 2 }],
  ],
  tests_given_back: [{}, ['system', 'tests_given_back', null]],
  tests_given_up: [{ failure }, ['system', 'tests_given_up', { error: 'it broke' }]],
  run_parked: [{}, ['system', 'run_parked', null]],
  run_resumed: [{}, ['system', 'run_resumed', null]],
  review_requested: [{ agent: 'codex' }, ['system', 'review_requested', { cli: 'codex' }]],
  review_started: [{}, ['system', 'review_started', null]],
  review_parsed: [
    { ...outline, from: 'block' },
    ['system', 'review_parsed', { ...outlineBody, from: 'block' }],
  ],
  review_completed: [outline, ['system', 'review_completed', outlineBody]],
  review_failed: [{ failure }, ['system', 'review_failed', { error: 'it broke' }]],
  review_timeout: [{ seconds: 300 }, ['system', 'review_timeout', { timeout_seconds: 300 }]],
  review_canceled: [{}, ['system', 'review_canceled', null]],
  workspace_restored: [
    { files: ['a.ts'], more: 2 },
    ['system', 'workspace_restored', { files: ['a.ts'], more: 2 }],
  ],
  review_posted: [
    { number: 42, url: 'https://h/r/pull/42#r1', comments: 3 },
    ['system', 'review_posted', { review_url: 'https://h/r/pull/42#r1', comments_posted: 3, pr_number: 42 }],
  ],
  review_post_failed: [
    { number: 42, reason: 'no right to' },
    ['system', 'review_post_failed', { error: 'no right to', pr_number: 42 }],
  ],
  egress_refused: [
    { host: 'example.com', port: 443, reason: 'not_allowed' },
    ['system', 'egress_refused', { host: 'example.com', port: 443, reason: 'not_allowed' }],
  ],
  mcp_server_failed: [
    { server: 'context7', reason: 'it did not start' },
    ['system', 'mcp_server_failed', { server: 'context7', error: 'it did not start' }],
  ],
  workflow_started: [{ workflow: 'triage' }, undefined],
  step_started: [{ step: 'mend', kind: 'task' }, undefined],
  step_task_created: [{ step: 'mend', taskId: 'b7' }, undefined],
  step_completed: [{ step: 'mend' }, undefined],
  step_failed: [{ step: 'mend', error: 'nothing at $.x' }, undefined],
  step_cancelled: [{ step: 'mend' }, undefined],
  workflow_completed: [{}, undefined],
  workflow_failed: [{ error: 'mend: nothing at $.x' }, undefined],
  workflow_cancelled: [{}, undefined],
};

test('every kind of event becomes the documented one, or one of ours, or is left out', () => {
  for (const [type, [data, expected]] of Object.entries(cases)) {
    const body = eventBody({ type: type as EventType, data, at });
    if (expected === undefined) {
      assert.equal(body, undefined, type);
      continue;
    }
    const [kind, event, wanted] = expected;
    assert.deepEqual(body, { type: kind, event, data: wanted, ts: '2026-02-26T10:15:30.123Z' });
  }
});

test('a kind that a newer server wrote is left out', () => {
  assert.equal(eventBody({ type: 'from_the_future' as EventType, data: {}, at }), undefined);
});

test('what an iteration cost is told with its completion', () => {
  const spend = {
    inputTokens: 1_500,
    outputTokens: 500,
    cacheReadTokens: 90,
    cacheWriteTokens: 0,
    microdollars: 12_345,
  };
  const data = { result: 'done', changes: null, durationSeconds: 4, iteration: 2, spend };
  assert.deepEqual(eventBody({ type: 'task_completed', data, at })?.data, {
    result: 'done',
    changes_summary: null,
    usage: {
      input_tokens: 1_500,
      output_tokens: 500,
      duration_seconds: 4,
      cache_read_tokens: 90,
      cost_usd: 0.012345,
    },
    iteration: 2,
  });
});
