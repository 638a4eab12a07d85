import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullRequestWishOf, type FinishedWork, type PullRequestPolicy } from './pull-request-text.ts';

const policy: PullRequestPolicy = { title: '{title}', body: undefined, labels: [], draft: false };
const work: FinishedWork = {
  taskId: '77a2ffbd-11b6-4654-9325-89306d55bc89',
  prompt: 'Fix the failing tests in the auth module, and then look at the rest of it too',
  result: 'All tests pass.',
  branch: 'codeforge/fix-the-failing-tests-in-77a2ffbd',
  changes: { filesModified: 3, filesCreated: 1, filesDeleted: 0, insertions: 142, deletions: 38 },
};

test('where nobody says anything, the title is the first 60 characters of the prompt', () => {
  const { title } = pullRequestWishOf('e', work, {}, policy);
  assert.equal(title, 'Fix the failing tests in the auth module, and then look at t');
});

test('a title is one line, and never empty', () => {
  assert.equal(pullRequestWishOf('e', { ...work, prompt: 'a\n\n b\t\u0000c' }, {}, policy).title, 'a b c');
  assert.equal(pullRequestWishOf('e', { ...work, prompt: '\u0000' }, {}, policy).title, 'Task 77a2ffbd');
  assert.equal(pullRequestWishOf('e', work, { title: ' \n ' }, policy).title.slice(0, 7), 'Fix the');
});

test('our own body has the prompt, the result and the changes', () => {
  const { body } = pullRequestWishOf('e', work, {}, policy);
  for (const part of [work.prompt, work.result, '3 modified, 1 created, 0 deleted; +142 -38', work.taskId]) {
    assert.ok(body.includes(part), part);
  }
});

test('a template of the operator is filled, and words that it does not know stay', () => {
  const { title, body } = pullRequestWishOf(
    'e',
    work,
    {},
    {
      ...policy,
      title: 'bot: {title}',
      body: '{result} on {branch} {nothing} {',
    },
  );
  assert.equal(title, `bot: ${work.prompt.slice(0, 60)}`);
  assert.equal(body, `All tests pass. on ${work.branch} {nothing} {`);
});

test('what a template is filled with is not filled again', () => {
  const odd = { ...work, prompt: "{result} $& $'", result: 'SECOND' };
  assert.equal(pullRequestWishOf('e', odd, {}, { ...policy, body: '{prompt}' }).body, odd.prompt);
});

test("an agent's text calls nobody and closes no issue", () => {
  const { body } = pullRequestWishOf('e', { ...work, result: 'cc @octocat, closes #12, a@b' }, {}, policy);
  assert.ok(!/@octocat|#12/u.test(body));
  assert.ok(body.replaceAll('\u2060', '').includes('cc @octocat, closes #12, a@b'));
});

test('what the caller says comes before the task, and the task before the policy', () => {
  const task = { ...work, targetBranch: 'develop', draft: true, labels: ['task'] };
  const asked = { title: 'T', description: '', targetBranch: 'main', draft: false, labels: ['mine', 'bot'] };
  const house = { ...policy, labels: ['bot'], draft: true };
  const said = pullRequestWishOf('e', task, asked, house);
  assert.deepEqual(
    { ...said, body: said.body },
    {
      effectId: 'e',
      title: 'T',
      body: '',
      overwrite: ['title', 'body'],
      base: 'main',
      draft: false,
      labels: ['bot', 'mine'],
    },
  );
  const { base, draft, labels, overwrite } = pullRequestWishOf('e', task, {}, house);
  assert.deepEqual(
    { base, draft, labels, overwrite },
    {
      base: 'develop',
      draft: true,
      labels: ['bot', 'task'],
      overwrite: [],
    },
  );
  assert.equal(pullRequestWishOf('e', work, {}, policy).base, null);
});

test('a body of a megabyte is cut', () => {
  const { body } = pullRequestWishOf('e', { ...work, result: 'x'.repeat(1_000_000) }, {}, policy);
  assert.ok(body.length < 65_536);
});
