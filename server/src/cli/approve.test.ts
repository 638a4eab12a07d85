import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi, type Route } from '../../test/support/terminal-command.ts';

const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const one = {
  id: '01a2b3c4-0000-7000-8000-0123456789ab',
  task_id: id,
  tool: 'Bash',
  summary: 'rm -r build\u001b[2J',
  arguments: { command: 'rm -r build' },
  state: 'waiting',
  reason: '',
  expires_at: '2026-02-26T18:45:10Z',
  created_at: '2026-02-26T18:40:10Z',
  decided_at: null,
};
const other = { ...one, id: '01a2b3c4-0000-7000-8000-aaaaaaaaaaaa', tool: 'Write', summary: 'x.ts' };

function routes(approvals: readonly object[], decision = 'allowed'): Readonly<Record<string, Route>> {
  const decided = answer(200, { ...one, state: decision });
  return {
    'GET /api/v1/approvals': answer(200, { approvals }),
    [`GET /api/v1/tasks/${id}/approvals`]: answer(200, { approvals }),
    [`POST /api/v1/tasks/${id}/approvals/${one.id}`]: decided,
    [`POST /api/v1/tasks/${id}/approvals/${other.id}`]: decided,
  };
}

const posted = (requests: readonly string[]) => requests.filter((request) => request.startsWith('POST'));

test('without a task all that waits is listed', async (t) => {
  const api = await startApi(t, routes([one, other]));
  const ended = await slipway(['approve'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `TASK                                  QUESTION  LEFT   WANTS
${id}  456789ab  5 min  Bash: rm -r build
${id}  aaaaaaaa  5 min  Write: x.ts
`,
  });
  const json = await slipway(['approve', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), { approvals: [one, other] });
  const none = await startApi(t, routes([]));
  const empty = await slipway(['approve'], { address: none.url });
  assert.deepEqual(empty, { code: 0, stdout: '', stderr: 'nothing waits for an answer\n' });
});

test('--yes allows the one that waits, --deny denies it with its reason', async (t) => {
  const api = await startApi(t, routes([one]));
  const ended = await slipway(['approve', id, '--yes'], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, 'allowed: Bash: rm -r build\n']);
  await slipway(['approve', id, '456789ab', '--deny', '--reason', 'not now'], { address: api.url });
  const path = `/api/v1/tasks/${id}/approvals/${one.id}`;
  assert.deepEqual(posted(api.requests), [
    `POST ${path} {"decision":"allow"}`,
    `POST ${path} {"decision":"deny","reason":"not now"}`,
  ]);
});

test('of several, one has to be named: by its id or the end of it', async (t) => {
  const api = await startApi(t, routes([one, other]));
  const ended = await slipway(['approve', id, '--yes'], { address: api.url });
  assert.equal(ended.code, 2);
  assert.equal(
    ended.stderr,
    'slipway: 2 questions wait; name one:\n  456789ab  Bash: rm -r build\n  aaaaaaaa  Write: x.ts\n',
  );
  const missing = await slipway(['approve', id, 'bbbbbbbb', '--yes'], { address: api.url });
  assert.deepEqual([missing.code, missing.stderr], [5, 'slipway: no such question waits: bbbbbbbb\n']);
  assert.equal(posted(api.requests).length, 0);
  await slipway(['approve', id, 'AAAAAAAA', '--yes'], { address: api.url });
  await slipway(['approve', id, one.id, '--yes'], { address: api.url });
  assert.equal(posted(api.requests).length, 2);
});

test('where nobody sits, nothing is asked and nothing answered', async (t) => {
  const api = await startApi(t, routes([one]));
  const piped = await slipway(['approve', id], { address: api.url, stdin: 'y\n' });
  const half = await slipway(['approve', id], { address: api.url, stdin: 'y\n', columns: 80 });
  const json = await slipway(['approve', id, '--json'], {
    address: api.url,
    stdin: 'y\n',
    columns: 80,
    isAsked: true,
  });
  for (const ended of [piped, half, json]) {
    assert.equal(ended.code, 0);
    assert.ok(ended.stdout.includes('rm -r build'));
  }
  assert.equal(posted(api.requests).length, 0);
});

test('on a terminal each question is shown and asked; only a clear word answers', async (t) => {
  const api = await startApi(t, routes([one, other]));
  const ask = (stdin: string) =>
    slipway(['approve', id], { address: api.url, stdin, columns: 100, isAsked: true });
  const ended = await ask('yes\nN\n');
  assert.equal(ended.code, 0);
  assert.ok(ended.stdout.includes('Bash: rm -r build (5 min left)\n{\n  "command": "rm -r build"\n}\n'));
  assert.deepEqual(
    posted(api.requests).map((request) => request.split(' ').at(-1)),
    ['{"decision":"allow"}', '{"decision":"deny"}'],
  );
  for (const unclear of ['', '\n\n', 'yep\nsure\n', 'allow\n']) {
    const left = await ask(unclear);
    assert.equal(left.stdout.match(/left: slipway approve 77a2ffbd/gu)?.length, 2, unclear);
  }
  assert.equal(posted(api.requests).length, 2);
});

test('an answer that comes too late ends with 6', async (t) => {
  const message = 'approval is already expired';
  const api = await startApi(t, {
    ...routes([one]),
    [`POST /api/v1/tasks/${id}/approvals/${one.id}`]: answer(409, { error: 'Conflict', message }),
  });
  const ended = await slipway(['approve', id, '--yes'], { address: api.url });
  assert.deepEqual([ended.code, ended.stderr], [6, `slipway: ${message}\n`]);
});
