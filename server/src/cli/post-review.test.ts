import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const path = `POST /api/v1/tasks/${id}/post-review`;
const posted = {
  review_url: 'https://github.com/a/b/pull/42#r1\u001b[2J',
  comments_posted: 3,
  pr_number: 42,
};

test('a review is posted where it was said, and its address printed', async (t) => {
  const api = await startApi(t, { [path]: answer(200, posted) });
  const ended = await slipway(['post-review', id], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: 'review: https://github.com/a/b/pull/42#r1\n3 comments on lines of pull request 42\n',
  });
  const json = await slipway(['post-review', id, '--pr', '42', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), posted);
  assert.deepEqual(api.requests, [`${path} {}`, `${path} {"pr_number":42}`]);
});

test('what is no number of a pull request is not asked for', async (t) => {
  const api = await startApi(t, { [path]: answer(200, posted) });
  for (const number of ['0', '-1', 'x', '1.5', '']) {
    const ended = await slipway(['post-review', id, `--pr=${number}`], { address: api.url });
    assert.equal(ended.code, 2, number);
  }
  assert.deepEqual(api.requests, []);
});

test('no review is a wrong question, a forge that refuses a failure', async (t) => {
  const cases = [
    [400, 'the task has no review', 2],
    [409, 'the idempotency key stands for something else', 6],
    [500, 'the conversation is locked', 1],
    [500, 'internal error', 3],
  ] as const;
  for (const [status, message, code] of cases) {
    const api = await startApi(t, { [path]: answer(status, { error: 'x', message }) });
    const ended = await slipway(['post-review', id], { address: api.url });
    assert.deepEqual([ended.code, ended.stdout], [code, ''], message);
    assert.ok(ended.stderr.includes(message), ended.stderr);
  }
});
