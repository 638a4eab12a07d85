import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import {
  answer,
  folderWith,
  frame,
  named,
  slipway,
  startApi,
  stream,
  type Route,
} from '../../test/support/terminal-command.ts';

const id = '550e8400-e29b-41d4-a716-446655440000';
const task = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const started = {
  run_id: id,
  workflow_name: 'mine',
  status: 'pending',
  created_at: '2026-02-26T18:38:10Z',
};
const run = {
  id,
  workflow_name: 'mine',
  status: 'completed',
  created_at: '2026-02-26T18:38:10Z',
  started_at: '2026-02-26T18:38:11Z',
  finished_at: '2026-02-26T18:38:22Z',
  params: { item_id: '7', secret: '***' },
  steps: [
    {
      step_name: 'fetch_data',
      step_type: 'fetch',
      status: 'completed',
      result: { title: 'A\u001b[2J bug', n: 3 },
    },
    { step_name: 'fix_it', step_type: 'task', status: 'completed', task_id: task },
    {
      step_name: 'open_pr',
      step_type: 'action',
      status: 'completed',
      result: { pr_url: 'https://example.com/app/pull/7', pr_number: 7 },
    },
  ],
  trace_id: '0af7651916cd43dd8448eb211c80319c',
};

const events = [
  frame(1, 'system', 'workflow_started', { workflow: 'mine', run_id: id }),
  frame(2, 'system', 'step_started', { step: 'fetch_data', type: 'fetch' }),
  frame(3, 'system', 'step_completed', { step: 'fetch_data' }),
  frame(4, 'system', 'step_started', { step: 'fix_it', type: 'task' }),
  frame(5, 'system', 'step_task_created', { step: 'fix_it\u001b[2J', task_id: task }),
  frame(6, 'system', 'step_completed', { step: 'fix_it' }),
  frame(7, 'system', 'workflow_completed', null),
];
const whole = [named('connected', 'pending'), ...events, named('done', 'completed')];

function routes(told: Route, ended: unknown): Readonly<Record<string, Route>> {
  return {
    'POST /api/v1/workflows/mine/run': answer(201, started),
    [`GET /api/v1/workflow-runs/${id}/stream`]: told,
    [`GET /api/v1/workflow-runs/${id}`]: answer(200, ended),
    'GET /api/v1/workflow-runs': answer(200, { runs: [run], total: 1 }),
  };
}

const line = ['workflow', 'run', 'mine', 'item_id=7'];

test('a run is followed by its steps and their tasks to what they left', async (t) => {
  const api = await startApi(t, routes(stream(whole), run));
  const ended = await slipway(line, { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `run ${id}
HH:MM:SS  started mine
HH:MM:SS  fetch_data begins (fetch)
HH:MM:SS  fetch_data is done
HH:MM:SS  fix_it begins (task)
HH:MM:SS  fix_it is task ${task}
HH:MM:SS  fix_it is done
HH:MM:SS  completed

completed in 11 s
STEP        STATUS     TASK      RESULT
fetch_data  completed            title=A bug n=3
fix_it      completed  77a2ffbd
open_pr     completed            https://example.com/app/pull/7
`,
  });
  assert.equal(api.requests[0], 'POST /api/v1/workflows/mine/run {"params":{"item_id":"7"}}');
});

test('with --json every line is one object', async (t) => {
  const api = await startApi(t, routes(stream(whole), run));
  const ended = await slipway([...line, '--json'], { address: api.url });
  const objects: readonly Record<string, unknown>[] = ended.stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  assert.deepEqual(
    objects.map(({ type }) => type),
    ['started', ...events.map(() => 'system'), 'done', 'run'],
  );
  assert.deepEqual([objects[0]?.['run_id'], objects[1]?.['id']], [id, '1']);
  assert.deepEqual(objects.at(-1), { type: 'run', run });
});

test('parameters come as words, as flags and from a file; the words win', async (t) => {
  const api = await startApi(t, routes(stream([]), run));
  const folder = await folderWith(t, { 'rest.json': '{"token":"s3cret","depth":3,"item_id":1}' });
  const flags = ['--param', 'url=https://x/?a=b', '--params-file', join(folder, 'rest.json'), '-d'];
  const ended = await slipway([...line, 'empty=', ...flags], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `run ${id}\nfollow it with: slipway workflow logs -f 55440000\n`,
  });
  await slipway(['workflow', 'run', 'mine', '-d', '--json', '--params-file', '-'], {
    address: api.url,
    stdin: '{"item_id":"8"}',
  });
  assert.deepEqual(
    api.requests.map((request) => JSON.parse(request.slice(request.indexOf('{'))).params),
    [{ token: 's3cret', depth: 3, item_id: '7', empty: '', url: 'https://x/?a=b' }, { item_id: '8' }],
  );
  for (const wrong of ['item_id', '=7']) {
    const refused = await slipway(['workflow', 'run', 'mine', wrong], { address: api.url });
    assert.deepEqual([refused.code, refused.stderr], [2, 'slipway: a parameter is given as key=value\n']);
  }
  assert.equal(api.requests.length, 2);
});

test('a parameter that is missing, or of no such name, is wrong usage', async (t) => {
  const message = 'missing required parameter: item_id';
  const api = await startApi(t, {
    'POST /api/v1/workflows/mine/run': answer(400, { error: 'Bad Request', message }),
  });
  const ended = await slipway(['workflow', 'run', 'mine'], { address: api.url });
  assert.deepEqual(ended, { code: 2, stdout: '', stderr: `slipway: ${message}\n` });
});

test('a run that fails, and one that was cancelled, end with their own codes', async (t) => {
  const failed = {
    ...run,
    status: 'failed',
    error: 'fix_it: no space left\u001b[2J',
    steps: [
      { step_name: 'fix_it', step_type: 'task', status: 'failed', task_id: task, error: 'no space left' },
      { step_name: 'open_pr', step_type: 'action', status: 'skipped' },
    ],
  };
  const told = stream([
    frame(1, 'system', 'step_failed', { step: 'fix_it', error: 'no space left' }),
    frame(2, 'system', 'workflow_failed', { error: 'fix_it: no space left' }),
    named('done', 'failed'),
  ]);
  const api = await startApi(t, routes(told, failed));
  const first = await slipway(line, { address: api.url });
  assert.equal(first.code, 1);
  assert.equal(
    first.stdout,
    `run ${id}
HH:MM:SS  fix_it failed: no space left
HH:MM:SS  failed: fix_it: no space left

failed in 11 s: fix_it: no space left
STEP     STATUS   TASK      RESULT
fix_it   failed   77a2ffbd  no space left
open_pr  skipped
`,
  );
  const ending = stream([
    frame(1, 'system', 'step_canceled', { step: 'fix_it' }),
    frame(2, 'system', 'workflow_canceled', null),
    frame(3, 'system', 'step_paused', { step: 'fix_it' }),
    named('done', 'canceled'),
  ]);
  const other = await startApi(t, routes(ending, { ...run, status: 'canceled', steps: [] }));
  const second = await slipway(line, { address: other.url });
  assert.equal(second.code, 7);
  assert.ok(second.stdout.includes('fix_it was cancelled\nHH:MM:SS  cancelled\n'));
  assert.ok(second.stdout.includes('step paused {"step":"fix_it"}\n'), 'of a newer server');
  assert.match(second.stdout, /\ncancelled in 11 s\n/u);
});

test('an interrupt stops following and says that the run goes on', async (t) => {
  const stop = new AbortController();
  const api = await startApi(t, routes(stream(whole.slice(0, 3), 'live'), run));
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.includes('begins')) stop.abort();
      done();
    },
  });
  const ended = await slipway(line, { address: api.url, signal: stop.signal, stdout });
  assert.equal(ended.code, 130);
  assert.equal(
    ended.stderr,
    'the run goes on\n  follow it: slipway workflow logs -f 55440000\n  end it:    slipway workflow cancel 55440000\n',
  );
});

test('on a terminal the state of the run stands below its events', async (t) => {
  const api = await startApi(t, routes(stream(whole), run));
  const { stdout } = await slipway(line, { address: api.url, columns: 80 });
  assert.ok(stdout.includes('\r\u001b[2K… pending · 0 s'));
  assert.ok(stdout.includes('\r\u001b[2K… running · 0 s'));
});
