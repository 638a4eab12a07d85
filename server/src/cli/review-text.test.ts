import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReviewResult } from '@slipway/client';
import { reviewLines } from './review-text.ts';

const plain = (_style: string, text: string): string => text;

const review: ReviewResult = {
  verdict: 'request_changes',
  score: 4,
  summary: 'Tests are missing.\nThe rest is fine.\n',
  issues: [
    {
      severity: 'major',
      file: 'src/a.ts',
      line: 12,
      description: 'No test\nfor the second case',
      suggestion: 'Add one\nfor each',
    },
    { severity: 'suggestion', file: 'src/b.ts', line: 0, description: 'Long', suggestion: '' },
    { severity: 'minor', file: '', line: 3, description: '', suggestion: 'Say why' },
  ],
  auto_fixable: true,
  reviewed_by: 'claude-code:claude-sonnet-4',
  duration_seconds: 82.3,
};

test('a review reads as a whole: the verdict, the summary, each finding with its place', () => {
  assert.equal(
    reviewLines(review, plain).join('\n'),
    `request changes, 4 of 10: 3 findings, which an agent can mend
by claude-code:claude-sonnet-4 in 1 min 22 s

Tests are missing.
The rest is fine.

major src/a.ts:12
  No test
  for the second case
  → Add one
    for each

suggestion src/b.ts
  Long

minor
  → Say why`,
  );
});

test('a review without findings, score or words is short', () => {
  const short = {
    ...review,
    verdict: 'approve',
    score: 0,
    summary: ' ',
    issues: [],
    auto_fixable: false,
  } as const;
  assert.deepEqual(reviewLines(short, plain), [
    'approve: no findings',
    'by claude-code:claude-sonnet-4 in 1 min 22 s',
  ]);
});

test("an agent's words cannot steer the terminal", () => {
  const evil = '\u001b[2Jx\u0007\u202e\u009b1my';
  const issue = { severity: evil, file: `${evil}\n`, line: 1, description: evil, suggestion: evil };
  const lines = reviewLines(
    {
      ...review,
      verdict: evil,
      summary: evil,
      reviewed_by: `${evil}\n`,
      issues: [issue],
    } as unknown as ReviewResult,
    plain,
  );
  // oxlint-disable-next-line no-control-regex -- that there is none is the point
  assert.doesNotMatch(lines.join('\n'), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/u);
  assert.ok(lines.includes('xy xy:1'), lines.join('\n'));
});
