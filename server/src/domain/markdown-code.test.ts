import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { codeBlock, codeSpan, withClosedFence } from './markdown-code.ts';

/** Pieces that could end what they stand in. */
const pieces = fc
  .array(fc.constantFrom('`', '```', '~~~', '\n', '\r', ' ', 'a', '\u001b[31m', '\u2028', '\ud800'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

test('a name is code on one line, whatever it holds', () => {
  assert.equal(codeSpan('src/a.ts'), '`src/a.ts`');
  assert.equal(codeSpan('a`b'), '`` a`b ``');
  assert.equal(codeSpan('a\n## b'), '`a\ufffd## b`');
  assert.equal(codeSpan('a\u202eb'), '`a\ufffdb`');
  fc.assert(
    fc.property(pieces, (name) => {
      const [, marks = '', inside = ''] = /^(`+)(.*)\1$/su.exec(codeSpan(name)) ?? [];
      assert.notEqual(marks, '');
      assert.doesNotMatch(inside, /[\p{Cc}\p{Cs}\u2028]/u);
      const runs: readonly string[] = inside.match(/`+/gu) ?? [];
      assert.ok(!runs.includes(marks), 'it ends early');
    }),
  );
});

test('nothing within a block of code ends it', () => {
  assert.equal(codeBlock('npm test'), '```\nnpm test\n```');
  assert.equal(codeBlock('```\n</details>'), '````\n```\n</details>\n````');
  fc.assert(
    fc.property(pieces, (text) => {
      const lines = codeBlock(text).split('\n');
      const marks = lines[0] ?? '';
      assert.match(marks, /^`{3,}$/u);
      assert.ok(!lines.slice(1, -1).some((line) => line.includes(marks)), 'it ends early');
      assert.equal(lines.at(-1), marks);
    }),
  );
});

test('a log for a terminal is read as text', () => {
  assert.equal(codeBlock('\u001b[1;31mred\u001b[0m\r\nnext\rlast'), '```\nred\nnext\nlast\n```');
});

test('a block of code that is open at the end is closed where it stands', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['all\n```\nis\n```\nclosed', ''],
    ['```sh\nopen', '\n```'],
    ['~~~~\n~~~\nopen', '\n~~~~'],
    ['> ```\n> quoted', '\n> ```'],
    ['- ```\n  listed', '\n  ```'],
    ['1. ```\n   listed\n\n   still', '\n   ```'],
    ['* ```\n  x\n  ```\ny', ''],
    // Marks with marks behind them begin nothing.
    ['```npm test```', ''],
    ['``` a`b\nx', ''],
    ['1.```', ''],
    // Nor do these end what was begun.
    ['```\n> ```', '\n```'],
    ['```\n    ```', '\n```'],
    ['```\n- ```\nx', '\n```'],
  ];
  for (const [text, added] of cases) assert.equal(withClosedFence(text), `${text}${added}`);
});

test('what may close one block of code or begin another does neither', () => {
  assert.equal(withClosedFence('- ```\ncode\n```\nx'), '- `\u2060``\ncode\n```\nx\n```');
  assert.equal(
    withClosedFence('> ~~~\n> ~~~~ a\n\n~~~\nx\n~~~'),
    '> ~\u2060~~\n> ~\u2060~~~ a\n\n~~~\nx\n~~~',
  );
  assert.equal(withClosedFence('a\r```\rb'), 'a\n```\nb\n```');
});
