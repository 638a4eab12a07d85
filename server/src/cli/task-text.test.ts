import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesText, durationText, shellWord } from './task-text.ts';

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

test('a word for the shell cannot become a command', () => {
  assert.equal(shellWord('https://example.com/a.git'), 'https://example.com/a.git');
  assert.equal(shellWord("a'; rm -rf ~"), `'a'\\''; rm -rf ~'`);
});
