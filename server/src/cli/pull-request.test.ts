import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const path = `POST /api/v1/tasks/${id}/create-pr`;
const opened = { pr_url: 'https://github.com/a/b/pull/42\u001b[2J', pr_number: 42, branch: 'codeforge/fix' };

test('a pull request is asked for with what was said, and its address printed', async (t) => {
  const api = await startApi(t, { [path]: answer(200, opened) });
  const ended = await slipway(['pr', id], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: 'pull request 42: https://github.com/a/b/pull/42\nbranch: codeforge/fix\n',
  });
  const flags = '--title Fix --description - --target main --draft --label bot --label tests'.split(' ');
  await slipway(['pr', id, ...flags], { address: api.url, stdin: 'Because.\n' });
  assert.deepEqual(api.requests, [
    `${path} {}`,
    `${path} {"title":"Fix","description":"Because.\\n","target_branch":"main","draft":true,"labels":["bot","tests"]}`,
  ]);
});

test('--json gives what the server gave', async (t) => {
  const api = await startApi(t, { [path]: answer(200, opened) });
  const ended = await slipway(['pr', id, '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(ended.stdout), opened);
});

test('no changes is a wrong question, a running task a refusal, a failed forge a failure', async (t) => {
  const cases: readonly (readonly [status: number, message: string, code: number])[] = [
    [400, 'no changes', 2],
    [409, 'task is currently running', 6],
    [500, 'PR creation failed: the base branch is protected', 1],
    [500, 'internal error', 3],
  ];
  for (const [status, message, code] of cases) {
    const api = await startApi(t, { [path]: answer(status, { error: 'x', message }) });
    const ended = await slipway(['pr', id], { address: api.url });
    assert.equal(ended.code, code, message);
    assert.equal(ended.stdout, '');
    assert.ok(ended.stderr.includes(message), ended.stderr);
  }
});

test('an empty description is not sent', async (t) => {
  const api = await startApi(t, { [path]: answer(200, opened) });
  const ended = await slipway(['pr', id, '--description', '-'], { address: api.url, stdin: ' \n' });
  assert.equal(ended.code, 2);
  assert.deepEqual(api.requests, []);
});
