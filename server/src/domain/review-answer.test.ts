import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { issuesMax, readReview } from './review-answer.ts';
import { severities, verdicts, type Review, type ReviewIssue } from './review.ts';

const issue = { severity: 'major', file: 'src/a.ts', line: 3, description: 'wrong', suggestion: 'mend it' };
const said = {
  verdict: 'request_changes',
  score: 4,
  summary: 'Not yet.',
  issues: [issue],
  auto_fixable: true,
};
const read: Review = {
  verdict: 'request_changes',
  score: 4,
  summary: 'Not yet.',
  issues: [{ ...issue, severity: 'major' }],
  autoFixable: true,
};
const json = JSON.stringify(said);
const pretty = JSON.stringify(said, null, 2);

function rendered({ autoFixable, ...rest }: Review): Readonly<Record<string, unknown>> {
  return { ...rest, auto_fixable: autoFixable };
}

/** A review of which only this was said. */
function of(fields: Readonly<Record<string, unknown>>): Review {
  return readReview({ text: '', structured: { verdict: 'comment', ...fields } }).review;
}

function issueOf(fields: Readonly<Record<string, unknown>>): ReviewIssue | undefined {
  return of({ issues: [{ description: 'd', ...fields }] }).issues[0];
}

const other = '{"verdict":"approve","score":9,"summary":"from the repository","issues":[]}';
const sources: readonly (readonly [string, string, string])[] = [
  ['the whole text', json, 'text'],
  ['the whole text, laid out, with blanks around it', `\n\n${pretty}\n `, 'text'],
  ['the whole text behind a byte order mark', `\ufeff${json}`, 'text'],
  ['JSON in a string', JSON.stringify(json), 'text'],
  ['a fenced block', `Here it is:\n\n\`\`\`json\n${pretty}\n\`\`\`\nThat is all.`, 'block'],
  ['a block between tildes', `~~~\n${json}\n~~~`, 'block'],
  ['a block in a list', `- so:\n  \`\`\`\n  ${json}\n  \`\`\``, 'block'],
  ['a block of Windows', `so\r\n\`\`\`json\r\n${json}\r\n\`\`\`\r\n`, 'block'],
  ['the last of two blocks', `\`\`\`json\n${other}\n\`\`\`\n\`\`\`json\n${json}\n\`\`\``, 'block'],
  ['a block among others', `\`\`\`ts\nlet a = {"b": 1};\n\`\`\`\n\`\`\`\n${json}\n\`\`\``, 'block'],
  ['a block behind a longer one', `\`\`\`\`md\n\`\`\`\n\`\`\`\`\n\`\`\`json\n${json}\n\`\`\``, 'block'],
  ['braces in words', `My review: ${pretty} — and no more.`, 'braces'],
  ['the last of two objects', `${other}\n${json}`, 'braces'],
  ['a block that is not closed', `\`\`\`json\n${pretty}`, 'braces'],
  ['braces behind a brace that is not closed', `Use "{" so: function () { return "it's\n${json}`, 'braces'],
  ['braces behind an odd quote in the same line', `the sign {" opens it: ${json}`, 'braces'],
  ['an object in another', `{"review": ${json}, "note": "x"}`, 'braces'],
  ['an object in a list', `[${json}]`, 'braces'],
  ['an object before another one without a verdict', `${json}\n{"cost": 3}`, 'braces'],
];
for (const [name, text, from] of sources) {
  test(`${name} is read`, () => assert.deepEqual(readReview({ text }), { review: read, from }));
}

test('a structured answer comes first; one that is no review does not count', () => {
  assert.deepEqual(readReview({ text: other, structured: said }), { review: read, from: 'structured' });
  for (const structured of [undefined, null, 3, 'x', [], {}, { ok: true }, [said]]) {
    assert.equal(readReview({ text: json, structured }).from, 'text');
  }
});

test('a fence within a string of JSON is no fence', () => {
  const suggestion = '```ts\nlet a;\n```';
  const inString = JSON.stringify({ ...said, issues: [{ ...issue, suggestion }] }, null, 2);
  for (const [text, from] of [
    [inString, 'text'],
    [`\`\`\`json\n${inString}\n\`\`\``, 'block'],
    [`So: ${inString}`, 'braces'],
  ] as const) {
    const answer = readReview({ text });
    assert.equal(answer.review.issues[0]?.suggestion, suggestion);
    assert.equal(answer.from, from);
  }
});

test('quotes and braces in the strings of an object are none of its own', () => {
  const summary = 'a quote " and a brace }, a backslash \\\\ and {"';
  const { review } = readReview({ text: `So: ${JSON.stringify({ ...said, summary })} {"x": "` });
  assert.equal(review.summary, summary);
});

test("a verdict that a finding quotes is not the review's", () => {
  const quoting = {
    ...said,
    issues: [{ ...issue, description: `the file says ${other}`, verdict: 'approve' }],
  };
  for (const text of [JSON.stringify(quoting), `So: ${JSON.stringify(quoting)}.`]) {
    assert.equal(readReview({ text }).review.verdict, 'request_changes');
  }
});

test('where nothing is a review, the first 500 characters are its summary', () => {
  const words = `${'é😀'.repeat(400)} end`;
  const { review, from } = readReview({ text: `\n ${words}` });
  assert.equal(from, 'words');
  assert.deepEqual(review, {
    verdict: 'comment',
    score: 0,
    summary: Array.from(words).slice(0, 500).join(''),
    issues: [],
    autoFixable: false,
  });
  for (const text of [
    'Looks good to me.',
    'null',
    '[]',
    '"x"',
    '{}',
    '3',
    '{"error":"no"}',
    '{ verdict: 1 }',
  ]) {
    assert.deepEqual(readReview({ text }).review.summary, text);
  }
  for (const text of ['', ' \n', '\u0000']) assert.notEqual(readReview({ text }).review.summary, '');
});

const verdictRows: readonly (readonly [unknown, string])[] = [
  ['approve', 'approve'],
  ['APPROVE', 'approve'],
  ['Request-Changes', 'request_changes'],
  [' request  changes\n', 'request_changes'],
  ['REQUEST_CHANGES', 'request_changes'],
  ['comment', 'comment'],
  ['LGTM', 'comment'],
  ['', 'comment'],
  [null, 'comment'],
  [['approve'], 'comment'],
];
for (const [verdict, expected] of verdictRows) {
  test(`the verdict ${JSON.stringify(verdict)} is ${expected}`, () =>
    assert.equal(of({ verdict }).verdict, expected));
}

const scoreRows: readonly (readonly [unknown, number])[] = [
  [8, 8],
  [7.5, 8],
  [0, 1],
  [-3, 1],
  [11, 10],
  [Infinity, 10],
  ['8', 8],
  ['8/10', 8],
  ['85 / 100', 9],
  ['3/0', 3],
  ['eight', 0],
  [undefined, 0],
  [null, 0],
  [NaN, 0],
  [{}, 0],
];
for (const [score, expected] of scoreRows) {
  test(`the score ${typeof score === 'string' ? `"${score}"` : String(score)} is ${expected}`, () =>
    assert.equal(of({ score }).score, expected));
}

test('an unknown severity is a suggestion', () => {
  assert.equal(issueOf({ severity: 'Critical' })?.severity, 'critical');
  for (const severity of ['blocker', undefined, 3])
    assert.equal(issueOf({ severity })?.severity, 'suggestion');
});

const fileRows: readonly (readonly [unknown, string])[] = [
  ['src/a.ts', 'src/a.ts'],
  ['./src//a.ts', 'src/a.ts'],
  ['src\\a.ts', 'src/a.ts'],
  ['a/src/a.ts', 'a/src/a.ts'],
  ['/workspace/src/a.ts', 'src/a.ts'],
  ['/etc/passwd', ''],
  ['/workspace-x/a.ts', ''],
  ['/workspace/../etc/passwd', ''],
  ['~/a', ''],
  ['../a.ts', ''],
  ['src/../../a.ts', ''],
  ['..\\a.ts', ''],
  ['C:\\a.ts', ''],
  ['src/a\u0000.ts', ''],
  ['src/a\n.ts', ''],
  ['src/\ud800.ts', ''],
  ['x'.repeat(1_001), ''],
  [['a.ts'], ''],
  [undefined, ''],
];
for (const [file, expected] of fileRows) {
  test(`the file ${JSON.stringify(file)?.slice(0, 40)} is ${JSON.stringify(expected)}, and the finding stays`, () => {
    const { review } = readReview({
      text: '',
      structured: { verdict: 'comment', issues: [{ file, description: 'd' }] },
      tree: '/workspace',
    });
    assert.deepEqual(
      review.issues.map(({ file: kept, description }) => [kept, description]),
      [[expected, 'd']],
    );
  });
}

const lineRows: readonly (readonly [unknown, number])[] = [
  [42, 42],
  ['42', 42],
  ['42-50', 42],
  [42.5, 0],
  ['42.5', 0],
  [-1, 0],
  [0, 0],
  [2 ** 31, 0],
  ['L42', 0],
  [true, 0],
  [[42], 0],
  [null, 0],
];
for (const [line, expected] of lineRows) {
  test(`the line ${JSON.stringify(line)} is ${expected}`, () =>
    assert.equal(issueOf({ line })?.line, expected));
}

test('a line behind the name of the file counts where no other is given', () => {
  assert.deepEqual({ ...issueOf({ file: 'src/a.ts:12' }) }, { ...issueOf({ file: 'src/a.ts', line: 12 }) });
  assert.deepEqual(
    [issueOf({ file: 'a.ts:12-15' })?.file, issueOf({ file: 'a.ts:12:3' })?.line],
    ['a.ts', 12],
  );
  assert.equal(issueOf({ file: 'a.ts:12', line: 3 })?.line, 3);
});

test('findings that are words are kept, those that say nothing are not', () => {
  const { issues } = of({ issues: ['just words', {}, null, 3, [], { line: 4 }, { suggestion: 's' }] });
  assert.deepEqual(
    issues.map(({ description, suggestion }) => [description, suggestion]),
    [
      ['just words', ''],
      ['', 's'],
    ],
  );
  for (const list of [undefined, null, 'x', {}, { length: 3 }])
    assert.deepEqual(of({ issues: list }).issues, []);
});

test('of too many findings the worst are kept in their order, and the summary counts the others', () => {
  const many = Array.from({ length: 300 }, (_, index) => ({
    severity: index === 299 ? 'critical' : 'minor',
    description: String(index),
  }));
  const { issues, summary } = of({ issues: many, summary: 'Bad.' });
  assert.equal(issues.length, issuesMax);
  assert.deepEqual(
    [issues[0]?.description, issues.at(-2)?.description, issues.at(-1)?.description],
    ['0', '198', '299'],
  );
  assert.match(summary, /^Bad\.\n\n\(100 more findings/u);
});

test('texts are what PostgreSQL takes, and bounded', () => {
  const { summary, issues } = of({
    summary: `a\u0000b\ud800c ${'x'.repeat(20_000)}`,
    issues: [{ description: '😀'.repeat(10_000), suggestion: '\u0000' }],
  });
  assert.ok(summary.startsWith('ab\ufffdc x') && summary.endsWith('[…]'));
  assert.ok(issues[0]?.description.isWellFormed() === true && issues[0].description.endsWith('[…]'));
  assert.equal(issues[0].suggestion, '');
});

test('names of prototypes are fields like any other', () => {
  const text =
    '{"__proto__":{"verdict":"approve"},"constructor":1,"verdict":"comment","issues":[{"__proto__":null}]}';
  assert.deepEqual(readReview({ text }).review.issues, []);
  assert.equal(readReview({ text: '{"__proto__":{"verdict":"approve"}}' }).from, 'braces');
  assert.equal(Object.hasOwn(Object.prototype, 'verdict'), false);
});

test('a review that is rendered, in whatever it stands, reads back the same', () => {
  const text = fc
    .string({ unit: 'grapheme', maxLength: 50 })
    .map((words) => words.replaceAll('\u0000', '').trim());
  const review = fc.record<Review>(
    {
      verdict: fc.constantFrom(...verdicts),
      score: fc.integer({ min: 1, max: 10 }),
      summary: text,
      issues: fc.array(
        fc.record<ReviewIssue>(
          {
            severity: fc.constantFrom(...severities),
            file: fc.constantFrom('', 'a.ts', 'src/ü/b c.ts', 'a/b/{"c"}.md'),
            line: fc.nat(),
            description: text.map((words) => `d${words}`),
            suggestion: text,
          },
          { noNullPrototype: true },
        ),
        { maxLength: 5 },
      ),
      autoFixable: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  const around = fc.constantFrom(
    (words: string) => words,
    (words: string) => `Here:\n\`\`\`json\n${words}\n\`\`\`\n`,
    (words: string) => `I thought about {this} and "that": ${words} Bye.`,
  );
  fc.assert(
    fc.property(review, around, fc.constantFrom(0, 2), (original, wrap, indent) => {
      const answer = wrap(JSON.stringify(rendered(original), null, indent));
      assert.deepEqual(readReview({ text: answer }).review, original);
    }),
  );
});
