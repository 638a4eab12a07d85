import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { issuesMax, readReview, reviewTextMax } from './review-answer.ts';
import { severities, verdicts, type Review } from './review.ts';

const said = { verdict: 'request_changes', score: 4, summary: 'Not yet.', issues: [], auto_fixable: true };
const json = JSON.stringify(said);
const read: Review = {
  verdict: 'request_changes',
  score: 4,
  summary: 'Not yet.',
  issues: [],
  autoFixable: true,
};

test('a review is found behind a great many braces and quotes that are not closed', () => {
  assert.deepEqual(readReview({ text: `${'print({"a)\n'.repeat(20_000)}${json}` }).review, read);
  const words = 'word '.repeat(400_000);
  assert.deepEqual(readReview({ text: `${'{"x": 1, '.repeat(9)}${words}${json}` }).review, read);
});

const mebibytes = 5 * 1024 * 1024;
const hostile: readonly (readonly [string, string])[] = [
  ['words', 'word '],
  ['opening braces', '{'],
  ['braces and quotes', '{"'],
  ['objects that are not closed', '{"verdict":'],
  ['objects within one another', '{"a":{"verdict":1},'],
  ['closed objects', '{"verdict":1}'],
  ['lists', '['],
  ['quotes', '"'],
  ['backslashes', '\\'],
  ['fences', '```\n'],
  ['growing fences', '````````````````````````````````'],
  ['tildes and braces', '~~~\n{"verdict"\n'],
  ['blanks in a brace', '{     \n    '],
  ['blanks', ' '],
  ['NUL', '\u0000'],
];
for (const [name, piece] of hostile) {
  test(`5 MB of ${name} are read in no time`, () => {
    const text = piece.repeat(Math.ceil(mebibytes / piece.length));
    const began = performance.now();
    const { review } = readReview({ text });
    const took = performance.now() - began;
    // Measured: 150 ms at most. A square of the length would take hours.
    assert.ok(took < 5_000, `${took} ms`);
    assert.ok(review.summary.length <= reviewTextMax.summary + 100);
  });
}

test('objects that are closed within one another are given up in no time', () => {
  const deep = 200_000;
  const text = `x ${'{"a":'.repeat(deep)}{"verdict":1}${'}'.repeat(deep)}`;
  const began = performance.now();
  readReview({ text });
  assert.ok(performance.now() - began < 5_000);
});

test('a review of 5 MB is read, within its bounds', () => {
  const big = { ...said, summary: 'x'.repeat(mebibytes) };
  assert.equal(readReview({ text: JSON.stringify(big) }).review.verdict, 'request_changes');
  assert.deepEqual(readReview({ text: `${'x'.repeat(mebibytes)}\n${json}` }).review, read);
});

test('any answer at all is a review within its bounds', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json(),
    fc.tuple(fc.string(), fc.json(), fc.string()).map(([a, b, c]) => `${a}{"verdict":${b}}${c}`),
    fc
      .array(fc.constantFrom('{', '}', '"', '\\', '\n', '```', 'verdict', ':', ',', ' '), { maxLength: 60 })
      .map((parts) => parts.join('')),
  );
  const structured = fc.option(fc.anything({ withNullPrototype: true, withSparseArray: true }), {
    nil: undefined,
  });
  fc.assert(
    fc.property(text, structured, (answer, object) => {
      assertBounds(readReview({ text: answer, structured: object }).review);
    }),
    { numRuns: 500 },
  );
});

function assertBounds({ verdict, score, summary, issues, autoFixable }: Review): void {
  assert.ok(verdicts.includes(verdict));
  assert.ok(Number.isInteger(score) && score >= 0 && score <= 10);
  assert.ok(summary.length <= reviewTextMax.summary + 100);
  assert.ok(issues.length <= issuesMax);
  assert.equal(typeof autoFixable, 'boolean');
  for (const { severity, file, line, description, suggestion } of issues) {
    assert.ok(severities.includes(severity));
    assert.ok(Number.isInteger(line) && line >= 0);
    assert.ok(!/^\/|^\.\.?(?:\/|$)|\\|\p{Cc}/u.test(file) && file.length <= reviewTextMax.file);
    for (const text of [summary, file, description, suggestion]) {
      assert.ok(text.isWellFormed() && !text.includes('\u0000') && text.length <= 10_100);
    }
  }
}
