import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { quiet } from './quiet-text.ts';

/** What a forge would act on. */
const acted =
  /@[\p{L}\p{N}_\\-]|[#!]\d|\bgh-\d|\/(?:issues|pull|merge_requests)\/\d|&(?:#|commat;)|!\[|<[!?]|<(?:img|pre|script)\b|-->/iu;

const rows: readonly (readonly [string, string])[] = [
  ['calls people', 'cc @octocat, @org/team and @_x, a@b.c'],
  ['calls people by entities', '&#64;octocat &#x40;octocat &commat;octocat'],
  ['calls people behind a backslash', String.raw`\@octocat @\_x`],
  ['refers to issues', 'closes #12, GH-12, gh-3, owner/repo#4, !5, &num;6'],
  [
    'refers to issues by their address',
    'fixes https://host/o/r/issues/12 and https://host/g/p/-/merge_requests/3',
  ],
  ['loads pictures', '![x](https://evil.example/?secret) <img src=x> <IMG src=x> <picture>'],
  ['hides words', 'a <!-- slipway marker --> b'],
  ['swallows what follows', '<pre>\n<?x\n<![CDATA[ <Script> <style a=b> <textarea>'],
];
for (const [name, text] of rows) {
  test(`text that ${name} does so no more, and looks the same`, () => {
    assert.match(text, acted);
    assert.doesNotMatch(quiet(text), acted);
    assert.equal(quiet(text).replaceAll('\u2060', ''), text);
  });
}

test('text that does nothing of the sort is left as it is', () => {
  const text =
    '# Title\n\n`a !== b && c < d` #include <x> Array<string> [a](https://host/o/r/blob/main/a.ts#L3) !important\n- [x] done';
  assert.equal(quiet(text), text);
});

test('no text is left that a forge would act on, and no sign of it is lost', () => {
  const part = fc.constantFrom(
    '@',
    '#',
    '!',
    '[',
    '<',
    '-',
    '>',
    '&',
    ';',
    '64',
    'a',
    'img',
    'GH-',
    '/issues/',
    '\\',
    ' ',
    '<!--',
    '-->',
    'commat',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      assert.doesNotMatch(quiet(text), acted);
      assert.equal(quiet(text).replaceAll('\u2060', ''), text);
    }),
    { numRuns: 2_000 },
  );
});
