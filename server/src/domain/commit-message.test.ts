import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { commitMessage, type CommitStyle } from './commit-message.ts';

const plain: CommitStyle = { authorName: 'Slipway', authorEmail: 'slipway@localhost', trailers: [] };

test("a short prompt is the subject, and the task's id a trailer", () => {
  assert.equal(commitMessage('Mend the login', 'id-1', plain), 'Mend the login\n\nSlipway-Task: id-1\n');
});

test('the first line that says something is the subject; the others stay out', () => {
  const message = commitMessage('\n  \r\n  Mend it \r\nand tell nobody\n', 'id-1', plain);
  assert.equal(message, 'Mend it\n\nSlipway-Task: id-1\n');
});

test('a first line of more than 72 characters is cut in the subject and stands in the body', () => {
  const line = 'Mend the login of the administrators when their session has expired twice in a row';
  const [subject, body, trailer] = commitMessage(line, 'id-1', plain).split('\n\n');
  assert.equal(subject, 'Mend the login of the administrators when their session has expired t...');
  assert.equal(body, line);
  assert.equal(trailer, 'Slipway-Task: id-1\n');
});

test('exactly 72 characters are no reason to cut', () => {
  assert.equal(commitMessage('x'.repeat(72), 'id', plain).split('\n')[0], 'x'.repeat(72));
  assert.match(commitMessage('x'.repeat(73), 'id', plain), /^x{69}\.\.\.\n\nx{73}\n/u);
});

test("the operator's trailers come before the task's, in one block", () => {
  const style = { ...plain, trailers: ['Co-authored-by: Ada <ada@example.com>', 'Reviewed-by: Bob'] };
  const block = 'Co-authored-by: Ada <ada@example.com>\nReviewed-by: Bob\nSlipway-Task: id-1\n';
  assert.equal(commitMessage('Mend it', 'id-1', style), `Mend it\n\n${block}`);
});

test('a prompt that says nothing gives a commit all the same', () => {
  assert.equal(commitMessage(' \n\n ', 'id-1', plain), 'Change files\n\nSlipway-Task: id-1\n');
});

test('whatever the prompt: well-formed, a subject of one line and 72 characters, the task named last', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 9_000 }), (prompt) => {
      const message = commitMessage(prompt.toWellFormed(), 'id-1', plain);
      const [subject = ''] = message.split('\n');
      assert.ok(message.isWellFormed());
      assert.ok(subject.trim() !== '' && subject.length <= 72);
      assert.ok(message.endsWith('\n\nSlipway-Task: id-1\n'));
      assert.ok(message.length < 4_200);
    }),
  );
});
