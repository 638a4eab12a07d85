import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullRequestWishOf, type FinishedWork, type PullRequestPolicy } from './pull-request-text.ts';
import type { TestOutcome } from './test-outcome.ts';

const policy: PullRequestPolicy = { title: '{title}', body: undefined, labels: [], draft: false };
const tests: TestOutcome = {
  command: 'npm test',
  passed: false,
  exitCode: 1,
  reason: 'exit code 1',
  output: 'not ok 12',
  durationSeconds: 8,
  commit: '1'.repeat(40),
};
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

test('the title that the task was submitted with stands before the house title, and behind what is asked for', () => {
  const titled = { ...work, pullRequestTitle: 'add-dark-mode' };
  const house = { ...policy, title: 'bot: {title}' };
  assert.equal(pullRequestWishOf('e', titled, {}, house).title, 'add-dark-mode');
  assert.equal(pullRequestWishOf('e', titled, { title: 'Mine' }, house).title, 'Mine');
  assert.deepEqual(pullRequestWishOf('e', titled, {}, house).overwrite, []);
});

test('our own body has a section for the ticket, the files and the tests, where there are any', () => {
  const files = { files: [{ path: 'src/auth.ts', status: 'modified' as const }], more: 3 };
  const ticket = { id: 'FEAT-123', summary: 'add-dark-mode' };
  const { body } = pullRequestWishOf('e', { ...work, files, ticket, tests }, {}, policy);
  const headings = ['## Ticket', '## Task', '## Result', '## Changes', '## Tests'];
  assert.deepEqual(body.match(/^## .*$/gmu), headings);
  assert.match(body, /^FEAT-123: add-dark-mode$/mu);
  assert.match(body, /\+142 -38\n\n- `src\/auth\.ts` modified\n- and 3 more\n/u);
  assert.match(body, /tests failed\*\* at 1{12} after 8 s \(exit code 1\)/u);
  const plain = pullRequestWishOf('e', { ...work, ticket: {}, tests: null, files: null }, {}, policy);
  assert.deepEqual(plain.body.match(/^## .*$/gmu), ['## Task', '## Result', '## Changes']);
});

test('fifty files are listed, and the others counted', () => {
  const many = Array.from({ length: 100 }, (_, file) => ({ path: `${file}`, status: 'created' as const }));
  const { body } = pullRequestWishOf('e', { ...work, files: { files: many, more: 1_900 } }, {}, policy);
  assert.equal(body.match(/^- `\d+` created$/gmu)?.length, 50);
  assert.match(body, /^- and 1950 more$/mu);
});

test('the name of a file stays on its line, however odd and long it is', () => {
  const path = `a\n## Not a heading\n\`\`\`${'x'.repeat(5_000)}`;
  const files = { files: [{ path, status: 'created' as const }], more: 0 };
  const { body } = pullRequestWishOf('e', { ...work, files }, {}, policy);
  assert.doesNotMatch(body, /^## Not/mu);
  assert.match(body, /^- ```` a.## Not a heading.```x+… ```` created$/mu);
  assert.ok(body.length < 1_000);
});

test('a template has the words, and without {tests} what came of them stands below it', () => {
  const files = { files: [{ path: 'a.ts', status: 'deleted' as const }], more: 0 };
  const full = { ...work, files, ticket: { id: 'FEAT-123' }, tests };
  const bodyOf = (body: string, more: Partial<FinishedWork> = {}): string =>
    pullRequestWishOf('e', { ...full, ...more }, {}, { ...policy, body }).body;
  assert.equal(bodyOf('{ticket} {files}', { tests: null }), 'FEAT-123 - `a.ts` deleted');
  assert.match(bodyOf('Tests: {tests} end'), /^Tests: \*\*The tests failed.*<\/details> end$/su);
  assert.match(bodyOf('```\n{ticket}'), /^```\nFEAT-123\n```\n\n## Tests\n\n\*\*The tests failed/u);
  assert.match(bodyOf('{result}', { result: 'x'.repeat(100_000) }), /<\/details>$/u);
  assert.equal(pullRequestWishOf('e', full, { description: 'Mine' }, policy).body, 'Mine');
});

test("an agent's text neither folds away nor swallows what follows it", () => {
  for (const result of ['<details><summary>all</summary>', '<!-- ', '```\nopen', '> ~~~\n> open']) {
    const { body } = pullRequestWishOf('e', { ...work, result, tests }, {}, policy);
    const [before = ''] = body.split('## Changes');
    assert.doesNotMatch(before, /<(?:details|summary|!--)/u);
    assert.equal((before.match(/```|~~~/gu) ?? []).length % 2, 0, before);
  }
  const marks = pullRequestWishOf('e', { ...work, result: '`'.repeat(1_000_000), tests }, {}, policy).body;
  assert.ok(marks.length < 2_000);
  assert.match(marks, /<\/details>\n\n---\n\nTask/u);
});

test('where everything is long at once, the agent has the last word cut, and ours stands', () => {
  const files = Array.from({ length: 100 }, () => ({ path: '`'.repeat(1_000), status: 'created' as const }));
  const full = {
    ...work,
    prompt: '@a'.repeat(50_000),
    result: '@a'.repeat(50_000),
    files: { files, more: 9 },
    ticket: { summary: '@a'.repeat(200) },
    tests: { ...tests, command: '@a'.repeat(9_000), output: '@a'.repeat(9_000) },
  };
  const { body } = pullRequestWishOf('e', full, {}, policy);
  assert.ok(body.length <= 60_000, String(body.length));
  assert.match(body, /<\/details>\n\n---\n\nTask `77a2ffbd[^`]+`$/u);
});
