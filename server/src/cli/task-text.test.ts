import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOfId, changesText, durationText, shellWord, testsText, usageText } from './task-text.ts';

test('durations show their two largest units', () => {
  const cases: readonly (readonly [milliseconds: number, text: string])[] = [
    [-5, '0 s'],
    [8_400, '8 s'],
    [59_600, '1 min'],
    [125_000, '2 min 5 s'],
    [3 * 3_600_000 + 12 * 60_000, '3 h 12 min'],
    [4 * 86_400_000, '4 d'],
  ];
  for (const [milliseconds, text] of cases) assert.equal(durationText(milliseconds), text);
});

test('changes name only what there is', () => {
  const none = { files_modified: 0, files_created: 0, files_deleted: 0, diff_stats: '+0 -0' };
  assert.equal(changesText(none), 'no changes');
  assert.equal(changesText(null), 'no changes');
  assert.equal(changesText({ ...none, files_created: 1, diff_stats: '+9 -0' }), '1 created (+9 -0)');
});

test('tests are named by their outcome, their time and why they failed', () => {
  const passed = {
    command: 'npm test',
    passed: true,
    exit_code: 0,
    reason: '',
    output: '',
    duration_seconds: 8,
  };
  assert.equal(testsText(undefined), undefined);
  assert.equal(testsText(passed), 'passed in 8 s');
  assert.equal(
    testsText({ ...passed, passed: false, reason: 'exit\u001b[2J code 1' }),
    'failed after 8 s: exit code 1',
  );
});

test('a word for the shell cannot become a command', () => {
  assert.equal(shellWord('https://example.com/a.git'), 'https://example.com/a.git');
  assert.equal(shellWord("a'; rm -rf ~"), `'a'\\''; rm -rf ~'`);
});

test('usage names what was counted', () => {
  const none = { input_tokens: 0, output_tokens: 0, duration_seconds: 9 };
  assert.equal(usageText(undefined), undefined);
  assert.equal(usageText(none), undefined);
  assert.equal(usageText({ ...none, input_tokens: 1_500, output_tokens: 20 }), '1,500 tokens in, 20 out');
  assert.equal(
    usageText({ ...none, input_tokens: 1, cache_read_tokens: 9_000, cost_usd: 0.425 }),
    '1 tokens in, 0 out, 9,000 from the cache, $0.42',
  );
  assert.equal(usageText({ ...none, cost_usd: 0.0004 }), '$0.0004');
});

test('a question is named by the end of its id, whose beginning is the time', () => {
  assert.equal(endOfId('01a2b3c4-0000-7000-8000-0123456789ab'), '456789ab');
});
