import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, frame, named, slipway, startApi, stream } from '../../test/support/terminal-command.ts';

const id = '550e8400-e29b-41d4-a716-446655440000';
const row = {
  id,
  workflow_name: 'mine',
  status: 'canceled',
  error: 'by\u001b[2J its owner',
  created_at: '2026-02-26T18:38:10Z',
  started_at: '2026-02-26T18:38:11Z',
  finished_at: '2026-02-26T18:38:22Z',
};
const list = 'GET /api/v1/workflow-runs';

test('runs are listed, of one workflow where it is named, and a terminal says that there are more', async (t) => {
  const api = await startApi(t, { [list]: answer(200, { runs: [row], total: 3 }) });
  const ended = await slipway(['workflow', 'runs'], { address: api.url });
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
  assert.equal(
    ended.stdout.replaceAll(/\d{4}-\d\d-\d\d HH:MM:SS/gu, 'TIME'),
    `ID                                    STATUS     STARTED              WORKFLOW  ERROR
${id}  cancelled  TIME  mine      by its owner
`,
  );
  const flags = ['--status', 'running', '--limit', '5', '--offset', '1'];
  const narrowed = await slipway(['workflow', 'runs', 'mine', ...flags], { address: api.url, columns: 120 });
  assert.equal(api.requests.at(-1), `${list}?workflow=mine&status=running&limit=5&offset=1`);
  assert.equal(narrowed.stderr, '1 more: slipway workflow runs --offset 2\n');
  const json = await slipway(['workflow', 'runs', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), { runs: [row], total: 3 });
  const none = await startApi(t, { [list]: answer(200, { runs: [], total: 0 }) });
  assert.equal((await slipway(['workflow', 'runs'], { address: none.url })).stderr, 'no runs\n');
});

test('a run is known by the end of its id, and shown as it stands now', async (t) => {
  const { finished_at: _, error: __, ...rest } = row;
  const run = {
    ...rest,
    status: 'running',
    params: { item_id: '7', token: '***' },
    steps: [{ step_name: 'fix_it', step_type: 'task', status: 'running' }],
    trace_id: 't',
  };
  const api = await startApi(t, {
    [list]: answer(200, { runs: [row], total: 1 }),
    [`${list}/${id}`]: answer(200, run),
  });
  const ended = await slipway(['workflow', 'status', '55440000'], {
    address: api.url,
    now: '2026-02-26T18:38:16Z',
  });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `run            ${id}
workflow       mine
item_id        7
token          ***

running for 5 s
STEP    STATUS   TASK  RESULT
fix_it  running
`,
  });
  const json = await slipway(['workflow', 'status', id, '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), run);
  assert.deepEqual(api.requests, [`${list}?limit=200&offset=0`, `${list}/${id}`, `${list}/${id}`]);
});

test('an end that two runs share is refused with both', async (t) => {
  const other = { ...row, id: id.replace('550e', '551e') };
  const api = await startApi(t, { [list]: answer(200, { runs: [row, other], total: 2 }) });
  const ended = await slipway(['workflow', 'logs', '446655440000'], { address: api.url });
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /is the end of 2 workflow runs: /u);
});

test('logs of a run start behind the event that is named, stop at the present, or follow to the end', async (t) => {
  const past = [named('connected', 'running'), frame(8, 'system', 'step_completed', { step: 'fix_it' })];
  const since: unknown[] = [];
  const api = await startApi(t, {
    [`${list}/${id}/stream`]: (response, body) => {
      since.push(response.req.headers['last-event-id']);
      stream(since.length === 1 ? past : [...past, named('done', 'completed')], 'live')(response, body);
    },
  });
  const now = await slipway(['workflow', 'logs', id, '--since', '7'], { address: api.url });
  assert.deepEqual(now, { code: 0, stderr: '', stdout: 'HH:MM:SS  fix_it is done\n' });
  const followed = await slipway(['workflow', 'logs', '-f', id, '--json'], { address: api.url });
  assert.deepEqual(
    followed.stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).type),
    ['system', 'done'],
  );
  assert.deepEqual(since, ['7', undefined]);
});

test('one run is cancelled, or all of a workflow, and never a guess at which is meant', async (t) => {
  const api = await startApi(t, {
    [`POST /api/v1/workflow-runs/${id}/cancel`]: answer(200, {
      status: 'canceling',
      message: 'workflow run cancellation requested',
    }),
    'POST /api/v1/workflow-runs/cancel-all': answer(200, {
      canceled: 2,
      message: '2 workflow runs canceled',
    }),
  });
  const one = await slipway(['workflow', 'cancel', id], { address: api.url });
  assert.deepEqual([one.code, one.stdout], [0, `workflow run cancellation requested: ${id}\n`]);
  const all = await slipway(['workflow', 'cancel', '--all', 'mine'], { address: api.url });
  assert.deepEqual([all.code, all.stdout], [0, '2 workflow runs canceled: mine\n']);
  assert.equal(api.requests.at(-1), 'POST /api/v1/workflow-runs/cancel-all?workflow=mine');
  for (const wrong of [[], [id, '--all', 'mine']]) {
    const ended = await slipway(['workflow', 'cancel', ...wrong], { address: api.url });
    assert.deepEqual(
      [ended.code, ended.stderr],
      [2, 'slipway: name either a run, or a workflow with --all\n'],
    );
  }
  assert.equal(api.requests.length, 2);
});
