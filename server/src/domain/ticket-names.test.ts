import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBranchName } from './branch-name.ts';
import { ticketBranch, ticketTitle } from './ticket-names.ts';

const branchOf = (summary?: string): string => ticketBranch('u/codebot/', 'abc1234', summary);

test('a branch has the mark of its task and the summary of its ticket as a slug', () => {
  assert.equal(branchOf('add-dark-mode'), 'u/codebot/abc1234/add-dark-mode');
  assert.equal(branchOf('  Füge "Dark Mode" hinzu! '), 'u/codebot/abc1234/fuge-dark-mode-hinzu');
});

test('without a summary, or with one without a letter, the branch ends with the mark', () => {
  for (const summary of [undefined, '', '   ', '修复', '-- 42 --', '../..', '.lock']) {
    const wanted = summary === '.lock' ? 'u/codebot/abc1234/lock' : 'u/codebot/abc1234';
    assert.equal(branchOf(summary), wanted, String(summary));
  }
});

test('a branch is a name that git takes, and at most 50 characters of it are of the summary', () => {
  for (const summary of ['x'.repeat(500), `${'ab '.repeat(16)}c d`, 'a..b@{c}~^:?*[\\', 'HEAD', '-rf /']) {
    const branch = branchOf(summary);
    assert.ok(isBranchName(branch), branch);
    assert.ok(branch.length <= 'u/codebot/abc1234/'.length + 50, branch);
    assert.doesNotMatch(branch, /[-/]$/u);
  }
});

test('a title is the summary, else the first line of the description that says anything', () => {
  assert.equal(ticketTitle('Dark mode', 'Add it'), 'Dark mode');
  assert.equal(ticketTitle(undefined, '\n \t\r\nAdd dark mode\nto all pages'), 'Add dark mode');
  assert.equal(ticketTitle('  ', 'Add it'), 'Add it');
  assert.equal(ticketTitle(' two\n lines\tof it ', 'Add it'), 'two lines of it');
});

test('a title that is longer than 100 characters is cut to 97 and three dots', () => {
  assert.equal(ticketTitle(undefined, 'x'.repeat(100)), 'x'.repeat(100));
  assert.equal(ticketTitle(undefined, 'x'.repeat(101)), `${'x'.repeat(97)}...`);
  const emoji = ticketTitle('🦀'.repeat(101), '');
  assert.equal(emoji, `${'🦀'.repeat(97)}...`);
  assert.ok(emoji.isWellFormed());
});
