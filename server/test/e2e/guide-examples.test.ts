import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertPrinted, examplesOf } from './guide-examples.ts';

const page = `# Words

\`\`\`sh
exit 1
\`\`\`

## Try it

\`\`\`sh
one
\`\`\`

It says:

\`\`\`json
{ "a": 1 }
\`\`\`

\`\`\`sh
two
\`\`\`
\`\`\`sh
three
\`\`\`
\`\`\`text
3
\`\`\`

## And more

\`\`\`sh
exit 1
\`\`\`
`;

test('examples are the blocks of one section, each with what stands below it', () => {
  assert.deepEqual(examplesOf(page, 'Try it'), [
    { script: 'one\n', printed: { language: 'json', text: '{ "a": 1 }\n' } },
    { script: 'two\n', printed: undefined },
    { script: 'three\n', printed: { language: 'text', text: '3\n' } },
  ]);
  assert.throws(() => examplesOf(page, 'Try'), /no section "Try"/u);
  assert.throws(() => examplesOf('## Try it\n\nWords.\n', 'Try it'), /no example/u);
});

const prints = (language: string, output: string, text: string): boolean => {
  try {
    assertPrinted(output, { script: 'x', printed: { language, text } });
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) return false;
    throw error;
  }
};

test('what is printed is compared as text, or as JSON in any order, with … for anything', () => {
  assert.ok(prints('text', 'a  (b)\nc', 'a (…)\n  c\n'));
  assert.ok(prints('text', 'a b\nc', 'a\n…\nc'));
  assert.ok(prints('text', 'abc', 'a\n…\nc'));
  assert.ok(!prints('text', 'a (b) c d', 'a (…) c'));
  const output = '{"id":"x-1","n":3,"list":[{"a":1}]}';
  assert.ok(prints('json', output, '{ "list": [{ "a": 1 }], "n": …, "id": "x-…" }'));
  assert.ok(prints('json', '[1, 2]', '[…]'));
  assert.ok(prints('json', output, '{\n  "n": 3,\n  …\n}'));
  assert.ok(prints('json', output, '{\n  …\n  "list": […]\n}'));
  assert.ok(prints('json', output, '{ "list": …, "n": 3, "id": "…" }'));
  for (const wrong of [
    '{ "n": 3, "id": "x-1" }',
    '{\n  "n": 4\n  …\n}',
    '{\n  "m": …\n  …\n}',
    '{ "list": [], "n": 3, "id": "…" }',
    '{ "list": [{ "a": 1, "b": 2 }], "n": 3, "id": "…" }',
    '{ "list": …, "n": "3", "id": "…" }',
    '{ "list": …, "n": 3, "id": "y…" }',
  ]) {
    assert.ok(!prints('json', output, wrong), wrong);
  }
});
