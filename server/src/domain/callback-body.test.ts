import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callbackBody } from './callback-body.ts';
import type { CallbackPayload } from './effect-state.ts';
import { noSpend } from './spend.ts';

const payload: CallbackPayload = {
  url: 'https://ci.example.com/hook?token=secret',
  event: 'task.completed',
  taskId: '2dc0ed15-4068-433a-b936-923410bf3738',
  iteration: 2,
  status: 'completed',
  result: 'Grüße',
  error: null,
  review: null,
  changes: { filesModified: 3, filesCreated: 1, filesDeleted: 0, insertions: 45, deletions: 12 },
  durationMs: 119_700,
  spend: { ...noSpend, inputTokens: 1_500, outputTokens: 500 },
  branch: null,
  pullRequest: null,
  traceId: '0af7651916cd43dd8448eb211c80319c',
  finishedAt: '2026-02-26T10:35:00.000Z',
};

test('the body has every documented field, and nothing of the address that it goes to', () => {
  assert.equal(
    callbackBody(payload),
    '{"task_id":"2dc0ed15-4068-433a-b936-923410bf3738","status":"completed","result":"Grüße",' +
      '"changes_summary":{"files_modified":3,"files_created":1,"files_deleted":0,"diff_stats":"+45 -12"},' +
      '"usage":{"input_tokens":1500,"output_tokens":500,"duration_seconds":120},' +
      '"trace_id":"0af7651916cd43dd8448eb211c80319c","finished_at":"2026-02-26T10:35:00.000Z","iteration":2}',
  );
});

test('what there is nothing to tell of stays away, or empty where the document has it', () => {
  const failed = callbackBody({
    ...payload,
    event: 'task.failed',
    status: 'failed',
    result: null,
    error: 'clone failed: no such repository',
    changes: null,
  });
  assert.deepEqual(JSON.parse(failed), {
    ...JSON.parse(callbackBody(payload)),
    status: 'failed',
    result: '',
    error: 'clone failed: no such repository',
    changes_summary: null,
  });
});

test('a pull request, its branch, money and caches are told of where there are any', () => {
  const published = callbackBody({
    ...payload,
    status: 'pr_created',
    branch: 'codeforge/mend-it-2dc0ed15',
    pullRequest: { number: 7, url: 'https://github.com/ada/app/pull/7' },
    spend: { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4, microdollars: 12_500 },
  });
  const { branch, pr_number: number, pr_url: url, usage, status } = JSON.parse(published);
  assert.deepEqual(
    [status, branch, number, url],
    ['pr_created', 'codeforge/mend-it-2dc0ed15', 7, 'https://github.com/ada/app/pull/7'],
  );
  assert.deepEqual(usage, {
    input_tokens: 1,
    output_tokens: 2,
    duration_seconds: 120,
    cache_read_tokens: 3,
    cache_write_tokens: 4,
    cost_usd: 0.0125,
  });
});

test('a review is told of as the task shows it', () => {
  const review = {
    verdict: 'approve',
    score: 8,
    summary: 'Good',
    issues: [{ severity: 'minor', file: 'a.ts', line: 3, description: 'Slow', suggestion: 'Cache it' }],
    autoFixable: true,
    reviewedBy: 'codex:gpt-5',
    durationSeconds: 22.3,
  } as const;
  const { review_result: told, ...rest } = JSON.parse(callbackBody({ ...payload, review }));
  assert.deepEqual(told, {
    verdict: 'approve',
    score: 8,
    summary: 'Good',
    issues: [{ severity: 'minor', file: 'a.ts', line: 3, description: 'Slow', suggestion: 'Cache it' }],
    auto_fixable: true,
    reviewed_by: 'codex:gpt-5',
    duration_seconds: 22.3,
  });
  assert.deepEqual(rest, JSON.parse(callbackBody(payload)));
});

test('a payload that was stored before there were reviews has the same bytes as then', () => {
  const { review: _none, ...stored } = payload;
  assert.equal(callbackBody(stored as CallbackPayload), callbackBody(payload));
});

test('the order of a stored payload does not matter to the bytes', () => {
  const shuffled = Object.fromEntries(Object.entries(payload).toReversed()) as CallbackPayload;
  assert.equal(callbackBody(shuffled), callbackBody(payload));
});
