import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answer,
  frame,
  named,
  slipway,
  startApi,
  stream,
  type Route,
} from '../../test/support/terminal-command.ts';

const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const task = {
  id,
  status: 'completed',
  publish: 'manual',
  repo_url: 'https://example.com/app.git',
  prompt: 'Fix it',
  iteration: 2,
  created_at: '2026-02-26T18:38:10Z',
  started_at: '2026-02-26T18:38:11Z',
  finished_at: '2026-02-26T18:38:22Z',
};

const whole = [
  named('connected', 'awaiting_instruction'),
  frame(1, 'system', 'cli_started', { cli: 'script', iteration: '1' }),
  frame(2, 'result', 'task_completed', { result: 'ok', iteration: 1 }),
  frame(3, 'system', 'instruction_added', { iteration: 2, prompt: 'and tests' }),
  frame(4, 'system', 'cli_started', { cli: 'script', iteration: '2' }),
  frame(5, 'result', 'task_completed', { result: 'ok', iteration: 2 }),
  named('done', 'completed'),
];

function routes(ended: unknown = task): Readonly<Record<string, Route>> {
  return {
    [`POST /api/v1/tasks/${id}/instruct`]: answer(200, { id, status: 'awaiting_instruction', iteration: 2 }),
    [`GET /api/v1/tasks/${id}/stream`]: stream(whole),
    [`GET /api/v1/tasks/${id}`]: answer(200, ended),
  };
}

test('an instruction is followed from itself on to the end of its iteration', async (t) => {
  const api = await startApi(t, routes());
  const ended = await slipway(['instruct', id, 'and tests'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `task ${id}, iteration 2
HH:MM:SS  instruction 2: and tests
HH:MM:SS  started script (iteration 2)
HH:MM:SS  completed: no changes

completed: no changes
`,
  });
  assert.equal(api.requests[0], `POST /api/v1/tasks/${id}/instruct {"prompt":"and tests"}`);
});

test('with --no-follow it returns at once, and - reads stdin', async (t) => {
  const api = await startApi(t, routes());
  const ended = await slipway(['instruct', id, '-', '--no-follow'], { address: api.url, stdin: 'a\nb\n' });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `task ${id}, iteration 2\nfollow it with: slipway logs -f 77a2ffbd\n`,
  });
  assert.equal(api.requests[0], `POST /api/v1/tasks/${id}/instruct {"prompt":"a\\nb\\n"}`);
  assert.equal(api.requests.length, 1);
});

test('with --json every line is one object', async (t) => {
  const api = await startApi(t, routes());
  const ended = await slipway(['instruct', id, 'and tests', '--json'], { address: api.url });
  const lines = ended.stdout
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));
  assert.deepEqual(lines[0], { type: 'instructed', id, status: 'awaiting_instruction', iteration: 2 });
  assert.deepEqual(
    lines.map(({ type }) => type),
    ['instructed', 'system', 'system', 'result', 'done', 'task'],
  );
});

test('it ends as the task does, and with 6 where the task takes none', async (t) => {
  const failed = await startApi(t, routes({ ...task, status: 'failed', error: 'it broke' }));
  assert.equal((await slipway(['instruct', id, 'x'], { address: failed.url })).code, 1);
  const cancelled = await startApi(t, routes({ ...task, status: 'failed', error: 'canceled by user' }));
  assert.equal((await slipway(['instruct', id, 'x'], { address: cancelled.url })).code, 7);
  const message = 'task is currently running, cannot instruct';
  const busy = await startApi(t, {
    [`POST /api/v1/tasks/${id}/instruct`]: answer(409, { error: 'Conflict', message }),
  });
  const ended = await slipway(['instruct', id, 'x'], { address: busy.url });
  assert.deepEqual([ended.code, ended.stderr], [6, `slipway: ${message}\n`]);
});

test('an empty instruction is a usage error', async () => {
  const ended = await slipway(['instruct', id, ' ']);
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /^slipway: give an instruction/u);
});
