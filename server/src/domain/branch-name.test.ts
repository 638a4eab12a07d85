import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { firstBranch, isBranchName, nextBranch, slugOf, taskBranch } from './branch-name.ts';

const taskId = '77a2ffbd-11b6-4654-9325-89306d55bc89';

test('a branch is named by its prefix, the first five words of the prompt and the beginning of the id', () => {
  const name = taskBranch('codeforge/', 'Fix the failing  tests\nin auth, please', taskId);
  assert.equal(name, 'codeforge/fix-the-failing-tests-in-77a2ffbd');
});

test('a long slug gives way to prefix and id, without a dash at its end', () => {
  const name = taskBranch('codeforge/', 'Internationalise the user interface-component library now', taskId);
  assert.ok(name.length <= 50, name);
  assert.equal(name, 'codeforge/internationalise-the-user-inter-77a2ffbd');
  // Cut exactly behind a word, the slug must not end in the dash.
  for (let length = 1; length < 30; length += 1)
    assert.doesNotMatch(slugOf('ab cd ef gh ij kl mn', length), /^-|-$/u);
});

test('a prompt without a letter that git could show gives a name of prefix and id', () => {
  for (const prompt of ['', '   \n', '修复登录错误', '🚀🚀', '!!! ???']) {
    assert.equal(taskBranch('codeforge/', prompt, taskId), 'codeforge/77a2ffbd', prompt);
  }
});

test('accents are dropped and other letters separate', () => {
  assert.equal(slugOf('Über das Café — naïve résumé', 50), 'uber-das-cafe-naive-resume');
  assert.equal(slugOf('ﬁx İstanbul ①', 50), 'fix-istanbul-1');
  assert.equal(slugOf('login修复page', 50), 'login-page');
});

test('a prefix of any allowed length leaves a name of at most 50 characters that git takes', () => {
  fc.assert(
    fc.property(fc.nat(30), fc.string({ unit: 'grapheme', maxLength: 300 }), (length, prompt) => {
      const name = taskBranch('p'.repeat(length), prompt, taskId);
      assert.ok(name.length <= 50);
      assert.ok(name.startsWith('p'.repeat(length)));
      assert.ok(name.endsWith('77a2ffbd'));
      assert.ok(isBranchName(name), name);
    }),
  );
});

test('taken names are followed by -1 to -99, and then there is none', () => {
  const base = 'codeforge/mend-it-77a2ffbd';
  const names: string[] = [];
  for (let name = nextBranch(base, base); name !== undefined; name = nextBranch(base, name)) names.push(name);
  assert.equal(names.length, 99);
  assert.deepEqual(names, [...new Set(names)]);
  assert.equal(names[0], `${base}-1`);
  assert.equal(names.at(-1), `${base}-99`);
});

test('the name that a task was submitted with is the first, and numbered like any other', () => {
  const branch = 'u/codebot/abc1234/add-dark-mode-2';
  assert.equal(firstBranch({ id: taskId, prompt: 'Mend it', options: { branch } }, 'codeforge/'), branch);
  assert.equal(
    firstBranch({ id: taskId, prompt: 'Mend it', options: {} }, 'codeforge/'),
    'codeforge/mend-it-77a2ffbd',
  );
  assert.equal(nextBranch(branch, branch), `${branch}-1`);
  assert.equal(nextBranch(branch, `${branch}-9`), `${branch}-10`);
});

/** Pieces that are the trouble in names, so that random texts hold them often. */
const troublesome = fc.constantFrom(
  '/',
  '//',
  '.',
  '..',
  '@',
  '@{',
  '{',
  '-',
  '.lock',
  '.lock/',
  'lock',
  'HEAD',
  'refs/heads/',
  'a',
  '0',
  'ä',
  '修',
  '🚀',
  '\u0001',
  '\u007f',
  '\u00a0',
  ...' ~^:?*[]\\!$"\''.split(''),
);

test('isBranchName says of any text what git check-ref-format says', () => {
  const names = fc.array(troublesome, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(names, (name) => {
      fc.pre(name !== '@');
      assert.equal(isBranchName(name), isBranchForGit(name), JSON.stringify(name));
    }),
    { numRuns: 300 },
  );
});

test('no branch is named with what cannot be an argument or a name', () => {
  for (const name of [
    '',
    '-',
    '-d',
    '--upload-pack=x',
    'a\u0000b',
    'a\nb',
    '@',
    'HEAD',
    'a..b',
    '/a',
    'a/',
  ]) {
    assert.equal(isBranchName(name), false, JSON.stringify(name));
  }
});

/** `--branch` resolves `@{-1}` in a repository; outside of one it only looks at the name. */
function isBranchForGit(name: string): boolean {
  const git = spawnSync('git', ['check-ref-format', '--branch', name], { cwd: '/', encoding: 'utf8' });
  return git.status === 0;
}
