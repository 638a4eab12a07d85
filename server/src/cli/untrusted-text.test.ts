import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { printable, printableJson, printableLine } from './untrusted-text.ts';

test('control sequences vanish, the text around them stays', () => {
  const cases: readonly (readonly [given: string, expected: string])[] = [
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;a title\u0007text', 'text'],
    ['\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u001b]52;c;cm0gLXJm\u0007', ''],
    ['\u001bPq#0;2\u001b\\after', 'after'],
    ['\u009b2Jgone\u009d0;t\u009cback', 'goneback'],
    ['\u001b(Bplain\u001bc', 'plain'],
    ['\u001b[?1049h\u001b[2J\u001b[1;1H', ''],
    ['cut \u001b[31', 'cut '],
    ['cut \u001b', 'cut '],
    ['\u001b]0;no end\nnext line', '\nnext line'],
    ['a\bb\u0000c\u007fd\ttab', 'abcd\ttab'],
    ['10%\r20%\r\nend', '10%\n20%\nend'],
    ['access\u202Egnp.exe', 'accessgnp.exe'],
    ['Grüße 🚀 日本', 'Grüße 🚀 日本'],
  ];
  for (const [given, expected] of cases) assert.equal(printable(given), expected);
});

test('nothing that a terminal acts upon is ever left', () => {
  const unit = fc.constantFrom(
    '\u001b',
    '[',
    ']',
    '\u009b',
    '\u009d',
    ';',
    '0',
    'm',
    '\u0007',
    '\\',
    'P',
    '\n',
    '\r',
    'x',
    '\u202e',
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      assert.doesNotMatch(printable(text), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u);
      assert.deepEqual(JSON.parse(printableJson(text)), text);
      // oxlint-disable-next-line no-control-regex -- as above
      assert.doesNotMatch(printableJson(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/u);
    }),
  );
});

test('a megabyte of half sequences takes no time to speak of', () => {
  const startedAt = performance.now();
  printable('\u001b]'.repeat(500_000));
  printable('\u001b[0'.repeat(300_000));
  assert.ok(performance.now() - startedAt < 1000);
});

test('a line is one line', () => {
  assert.equal(printableLine('  two\n lines\t'), 'two lines');
});
