import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { linesOfHunks } from './diff-lines.ts';

const linesOf = (...rows: readonly string[]): readonly (readonly [number, number | undefined])[] => [
  ...linesOfHunks(rows.join('\n')),
];

test('a hunk shows what stays and what is added, and the former number of what stays', () => {
  const rows = ['@@ -4,4 +4,5 @@ function name() {', ' a', '-b', '+B', '+c', ' d', ' e'];
  assert.deepEqual(linesOf(...rows), [
    [4, 4],
    [5, undefined],
    [6, undefined],
    [7, 6],
    [8, 7],
  ]);
});

test('a hunk without counts has one line on each side', () => {
  assert.deepEqual(linesOf('@@ -3 +7 @@', '-a', '+b', ' not in it'), [[7, undefined]]);
  assert.deepEqual(linesOf('@@ -0,0 +1,2 @@', '+a', '+b'), [
    [1, undefined],
    [2, undefined],
  ]);
  assert.deepEqual(linesOf('@@ -1,2 +0,0 @@', '-a', '-b'), []);
});

test('what is said of a missing line end is no line', () => {
  const missing = '\\ No newline at end of file';
  const rows = ['@@ -1,2 +1,3 @@', ' a', '-b', missing, '+b', '+c', missing];
  assert.deepEqual(linesOf(...rows), [
    [1, 1],
    [2, undefined],
    [3, undefined],
  ]);
});

test('contents that look like the form of a diff are contents', () => {
  const rows = ['--- a/x', '+++ b/x', '@@ -1,3 +1,3 @@', '--- a/x', '+++ b/x', ' @@ -9 +9 @@', ' +z'];
  assert.deepEqual(linesOf(...rows), [
    [1, undefined],
    [2, 2],
    [3, 3],
  ]);
});

test('an empty line that lost its blank counts, the end of the text does not', () => {
  assert.deepEqual(linesOf('@@ -1,3 +1,3 @@', ' a', '', ' c', ''), [
    [1, 1],
    [2, 2],
    [3, 3],
  ]);
});

test('a hunk that was cut shows what it shows, and the next one is read from its own beginning', () => {
  assert.deepEqual(linesOf('@@ -1,9 +1,9 @@', ' a', '@@ -20 +30 @@', ' z'), [
    [1, 1],
    [30, 20],
  ]);
});

test('no text is too strange', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('@@ -1,2 +3,4 @@', '@@', '+', '-', ' ', '\\', '', '\r', 'x')),
      (rows) => {
        for (const [line, before] of linesOf(...rows)) {
          assert.ok(line >= 1);
          assert.ok(before === undefined || before >= 1);
        }
      },
    ),
  );
});

/** What becomes of one line of a file. */
const edit = fc.constantFrom('keep', 'add', 'drop');

test('every edit of a file is read as what it was, however it is cut into hunks', () => {
  fc.assert(
    fc.property(fc.array(fc.array(edit, { minLength: 1, maxLength: 12 }), { maxLength: 5 }), (hunks) => {
      const rows: string[] = [];
      const expected: (readonly [number, number | undefined])[] = [];
      let before = 1;
      let after = 1;
      for (const edits of hunks) {
        const count = (skipped: string): number => edits.filter((one) => one !== skipped).length;
        rows.push(`@@ -${before},${count('add')} +${after},${count('drop')} @@`);
        for (const one of edits) {
          rows.push({ keep: ' same', add: '+new', drop: '-old' }[one]);
          if (one !== 'drop') expected.push([after, one === 'keep' ? before : undefined]);
          if (one !== 'add') before += 1;
          if (one !== 'drop') after += 1;
        }
        before += 40;
        after += 40;
      }
      assert.deepEqual(linesOf(...rows), expected);
    }),
  );
});
