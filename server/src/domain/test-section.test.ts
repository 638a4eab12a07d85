import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestOutcome } from './test-outcome.ts';
import { testSection } from './test-section.ts';

const failed: TestOutcome = {
  command: 'npm test',
  passed: false,
  exitCode: 1,
  reason: 'exit code 1',
  output: 'not ok 12',
  durationSeconds: 8,
  commit: '1'.repeat(40),
};

test('of tests that passed, the command is told', () => {
  assert.equal(
    testSection({ ...failed, passed: true, exitCode: 0, reason: '' }),
    'The tests passed at 111111111111 after 8 s:\n\n```\nnpm test\n```',
  );
});

test('of tests that failed, the reason is told, and the end of the output can be unfolded', () => {
  assert.equal(
    testSection(failed),
    [
      '**The tests failed** at 111111111111 after 8 s (exit code 1):',
      '```\nnpm test\n```',
      '<details>\n<summary>The end of the output</summary>',
      '```\nnot ok 12\n```',
      '</details>',
    ].join('\n\n'),
  );
  assert.doesNotMatch(testSection({ ...failed, output: '\n' }), /details/u);
});

test('forty lines of the output are shown, and never more than 4,000 characters', () => {
  const lines = Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n');
  const section = testSection({ ...failed, output: lines });
  assert.match(section, /```\nline 60\n/u);
  assert.match(section, /\nline 99\n```/u);
  assert.ok(testSection({ ...failed, output: 'x'.repeat(1_000_000) }).length < 4_300);
  assert.ok(testSection({ ...failed, command: 'x'.repeat(32_768) }).length < 1_400);
});

test('neither command nor reason nor output gets out of its place', () => {
  const hostile = '```\n</details>\n<details>\n@octocat closes #1 <!--';
  const section = testSection({ ...failed, command: hostile, reason: hostile, output: hostile });
  const [verdict = '', , , ...rest] = section.split('\n');
  assert.doesNotMatch(verdict, /<|@o/u);
  assert.doesNotMatch(section, /@octocat|#1|<!--/u);
  assert.equal(rest.filter((line) => line === '````').length, 3);
  assert.equal(section.split('\n').at(-1), '</details>');
});
