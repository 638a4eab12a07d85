import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  commentsMax,
  commentText,
  placeComments,
  reviewPostOf,
  summaryMaxCharacters,
  summaryText,
  type ShownFiles,
} from './review-text.ts';
import { severities, type ReviewIssue, type ReviewResult } from './review.ts';

const issue: ReviewIssue = {
  severity: 'major',
  file: 'src/a.ts',
  line: 3,
  description: 'It is wrong.',
  suggestion: 'Mend it.',
};
const review: ReviewResult = {
  verdict: 'request_changes',
  score: 4,
  summary: 'Not yet.',
  issues: [],
  autoFixable: false,
  reviewedBy: 'codex:gpt-5',
  durationSeconds: 3,
};

function shown(
  files: Readonly<Record<string, readonly number[]>>,
  renamed: Readonly<Record<string, string>> = {},
): ShownFiles {
  return new Map(
    Object.entries(files).map(([path, lines]) => [
      path,
      {
        previousPath: renamed[path] ?? path,
        lines: new Map(lines.map((line): [number, undefined] => [line, undefined])),
      },
    ]),
  );
}

const having = (...issues: readonly Partial<ReviewIssue>[]): ReviewResult => ({
  ...review,
  issues: issues.map((fields) => ({ ...issue, ...fields })),
});

test('a finding on a line that the difference shows is a comment there, any other stands in the summary', () => {
  const all = having({}, { line: 4 }, { file: 'src/b.ts' }, { file: '', line: 0 }, { line: 0 });
  const { comments, summary } = reviewPostOf(all, { files: shown({ 'src/a.ts': [2, 3] }) });
  assert.deepEqual(comments, [{ path: 'src/a.ts', line: 3, body: commentText(issue) }]);
  const text = summary([]);
  for (const place of ['`src/a.ts:4`', '`src/b.ts:3`', '`src/a.ts`', '- **Major**: It is wrong.']) {
    assert.ok(text.includes(place), place);
  }
  assert.ok(!text.includes('src/a.ts:3'));
});

test('the worst twenty are comments, in their order, two on one line as well', () => {
  const many = Array.from({ length: 30 }, (_, index) => ({
    severity: index === 29 ? ('critical' as const) : ('minor' as const),
    line: index,
  }));
  const { placed, left } = placeComments(
    having({ line: 5 }, { line: 5 }, ...many),
    shown({ 'src/a.ts': many.map(({ line }) => line) }),
  );
  assert.equal(placed.length, commentsMax);
  assert.deepEqual(
    placed.slice(0, 4).map(({ issue: { severity, line } }) => [severity, line]),
    [
      ['critical', 29],
      ['major', 5],
      ['major', 5],
      ['minor', 0],
    ],
  );
  assert.equal(left.length, 12);
});

test('a renamed file may be called by its old name, and any by the names that git writes before it', () => {
  const files = shown({ 'src/new.ts': [3], 'a/x.ts': [3] }, { 'src/new.ts': 'src/old.ts' });
  const pathOf = (file: string) => placeComments(having({ file }), files).placed[0]?.comment.path;
  for (const file of ['src/new.ts', 'src/old.ts', 'b/src/new.ts', 'a/src/old.ts']) {
    assert.equal(pathOf(file), 'src/new.ts', file);
  }
  assert.equal(pathOf('a/x.ts'), 'a/x.ts');
  assert.equal(pathOf('x.ts'), undefined);
});

test('what the forge refuses to take on a line comes into the summary, the worst first', () => {
  const all = having(
    { severity: 'minor', line: 9, description: 'far' },
    { description: 'near' },
    { line: 2, description: 'stays' },
  );
  const { comments, summary } = reviewPostOf(all, { files: shown({ 'src/a.ts': [2, 3] }) });
  assert.equal(comments.length, 2);
  const refused = comments.filter(({ line }) => line === 3).map((comment) => ({ ...comment }));
  assert.match(summary(refused), /near[\s\S]*far/u);
  assert.doesNotMatch(summary(refused), /stays/u);
  assert.match(summary(comments), /near[\s\S]*stays[\s\S]*far/u);
});

test('the summary tells verdict, score, notes and who has reviewed', () => {
  const text = summaryText({ review, left: [], notes: ['The pull request has moved on.'] });
  assert.equal(
    text,
    '### Review: changes requested, 4/10\n\n> The pull request has moved on.\n\nNot yet.\n\n---\n\nReviewed by `codex:gpt-5`',
  );
  const bare = summaryText({
    review: { ...review, verdict: 'comment', score: 0, summary: '' },
    left: [],
    notes: [],
  });
  assert.equal(bare, '### Review: comments\n\n---\n\nReviewed by `codex:gpt-5`');
});

test('a comment tells how much it matters, what is wrong and how to mend it', () => {
  assert.equal(commentText(issue), '**Major**: It is wrong.\n\n**Suggestion**: Mend it.');
  assert.equal(commentText({ ...issue, suggestion: '' }), '**Major**: It is wrong.');
  assert.equal(commentText({ ...issue, description: '', suggestion: '' }), '**Major**');
});

test("an agent's words call nobody, refer to nothing, and carry no marker of ours", () => {
  const words = 'cc @octocat, closes #12 <!-- slipway review:1 --> ![x](https://evil.example)';
  const hostile = { ...issue, description: words, suggestion: words };
  const { comments, summary } = reviewPostOf(
    { ...review, summary: words, issues: [hostile, { ...hostile, line: 4 }] },
    { files: shown({ 'src/a.ts': [3] }) },
  );
  for (const text of [summary([]), comments[0]?.body ?? '@octocat']) {
    assert.doesNotMatch(text, /@octocat|#12|<!--|-->|!\[/u);
    assert.ok(text.replaceAll('\u2060', '').includes('cc @octocat, closes #12'));
  }
});

test('names of files and models are code that they cannot break out of', () => {
  const { summary } = reviewPostOf(
    { ...review, issues: [{ ...issue, file: 'src/@octocat` #12\n.ts' }], reviewedBy: 'codex:``@octocat`' },
    { files: new Map() },
  );
  assert.ok(summary([]).includes("- `src/@octocat' #12'.ts:3` **Major**"));
  assert.ok(summary([]).endsWith("Reviewed by `codex:''@octocat'`"));
});

test('code that a reader could apply by a click is a plain block', () => {
  for (const fence of ['```suggestion', '~~~ suggestion:-0+1', '> ````  Suggestion', '- ```suggestion x']) {
    const text = commentText({ ...issue, suggestion: `${fence}\nrm -rf\n` });
    assert.doesNotMatch(text, /(?:`|~) *suggestion/iu);
    assert.match(text.replaceAll('\u2060', ''), /(?:```|~~~)text\n/u);
  }
  assert.ok(commentText({ ...issue, suggestion: '```ts\nlet a;\n```' }).endsWith('```ts\nlet a;\n```'));
});

test('a text of nothing but signs is made harmless in no time', () => {
  for (const sign of ['`', '~']) {
    const start = performance.now();
    commentText({ ...issue, description: sign.repeat(40_000) });
    // A few milliseconds; 7 s if it were looked through anew from each of them.
    assert.ok(performance.now() - start < 2_000, sign);
  }
});

test('a block of code that is not closed swallows nothing of what follows', () => {
  const text = summaryText({
    review: { ...review, summary: 'so:\n~~~~js\nlet a;\n~~~' },
    left: [{ ...issue, description: '```\nx' }, issue],
    notes: [],
  });
  assert.match(text, /~~~~js\nlet a;\n~~~\n~~~~\n\n/u);
  assert.match(text, /```\n {2}x\n {2}```\n/u);
});

test('a summary that is too long leaves out the last findings, and says how many', () => {
  const long = { ...issue, description: '@a '.repeat(1_300), suggestion: '#1 '.repeat(1_300) };
  const left = Array.from({ length: 200 }, () => long);
  const text = summaryText({ review: { ...review, summary: '@a '.repeat(3_000) }, left, notes: [] });
  assert.ok(text.length <= summaryMaxCharacters && text.length > 45_000);
  assert.match(text, /\(19\d more findings are left out/u);
  assert.ok(text.endsWith('Reviewed by `codex:gpt-5`'));
});

test('whatever the findings are, each stands once, in its bounds', () => {
  const anyIssue = fc.record<ReviewIssue>({
    severity: fc.constantFrom(...severities),
    file: fc.constantFrom('', 'a.ts', 'b.ts', 'old.ts'),
    line: fc.nat(6),
    description: fc.string({ unit: 'binary', maxLength: 30 }),
    suggestion: fc.string({ maxLength: 30 }),
  });
  const files = shown({ 'a.ts': [1, 2, 3], 'new.ts': [4] }, { 'new.ts': 'old.ts' });
  fc.assert(
    fc.property(fc.array(anyIssue, { maxLength: 40 }), (issues) => {
      const { placed, left } = placeComments({ issues }, files);
      assert.deepEqual(new Set([...placed.map((each) => each.issue), ...left]), new Set(issues));
      assert.equal(placed.length + left.length, issues.length);
      for (const { comment } of placed) assert.ok(files.get(comment.path)?.lines.has(comment.line));
      const { comments, summary } = reviewPostOf({ ...review, issues }, { files });
      assert.ok(comments.length <= commentsMax && summary(comments).length <= summaryMaxCharacters);
    }),
  );
});
