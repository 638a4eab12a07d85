import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const id = '0199a3f0-7d3b-7c1e-9b53-0d8a8d2f6b1c';
const task = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const row = {
  id,
  task_id: task,
  event: 'task.completed',
  url: 'https://ci.example.com/hooks',
  status: 'failed',
  attempts: 4,
  last_status: 503,
  last_error: 'the receiver answered 503',
  created_at: '2026-02-26T12:00:00Z',
  delivered_at: null,
  next_attempt_at: null,
};
const whole = {
  ...row,
  body: '{"task_id":"x"}\u001b[2J',
  log: [
    { at: '2026-02-26T12:00:01Z', status: null, error: 'connection refused', duration_ms: 3 },
    { at: '2026-02-26T12:00:06Z', status: 204, error: null, duration_ms: 12 },
  ],
};

test('callbacks are listed without a word behind the command, narrowed by flags', async (t) => {
  const api = await startApi(t, {
    'GET /api/v1/deliveries': answer(200, { deliveries: [row], total: 1 }),
    'GET /api/v1/tasks': answer(200, { tasks: [{ id: task }], total: 1 }),
  });
  const ended = await slipway(['deliveries'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `ID                                    STATUS  TASK      EVENT           TRIES  URL
${id}  failed  77a2ffbd  task.completed  4      https://ci.example.com/hooks
`,
  });
  await slipway(['deliveries', '--task', '77a2ffbd', '--status', 'failed', '--limit', '5'], {
    address: api.url,
  });
  assert.equal(api.requests.at(-1), `GET /api/v1/deliveries?task_id=${task}&status=failed&limit=5&offset=0`);
  const narrow = await slipway(['deliveries', 'list'], { address: api.url, columns: 90 });
  assert.ok(narrow.stdout.split('\n').every((line) => line.length <= 90));
});

test('a callback is shown with its attempts and its body, harmless for a terminal', async (t) => {
  const api = await startApi(t, { [`GET /api/v1/deliveries/${id}`]: answer(200, whole) });
  const ended = await slipway(['deliveries', 'show', id], { address: api.url });
  assert.equal(ended.code, 0);
  const text = ended.stdout.replaceAll(/\d{4}-\d\d-\d\d HH:MM:SS/gu, 'TIME');
  assert.equal(
    text,
    `callback      ${id}
status        failed
task          ${task}
event         task.completed
url           https://ci.example.com/hooks
created       TIME

ATTEMPT              TOOK   OUTCOME
TIME  3 ms   connection refused
TIME  12 ms  answered 204

{"task_id":"x"}
`,
  );
  const json = await slipway(['deliveries', 'show', id, '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), whole);
});

test('a callback is sent again; one that is on its way is refused with 6', async (t) => {
  const path = `POST /api/v1/deliveries/${id}/redeliver`;
  const api = await startApi(t, { [path]: answer(202, { id, status: 'pending' }) });
  const ended = await slipway(['deliveries', 'redeliver', id], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, `pending: ${id}\n`]);
  const message = 'delivery is pending';
  const busy = await startApi(t, { [path]: answer(409, { error: 'Conflict', message }) });
  const refused = await slipway(['deliveries', 'redeliver', id], { address: busy.url });
  assert.deepEqual([refused.code, refused.stderr], [6, `slipway: ${message}\n`]);
});
