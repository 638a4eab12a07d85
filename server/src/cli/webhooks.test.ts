import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const id = '0199a3f0-7d3b-7c1e-9b53-0d8a8d2f6b1c';
const task = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const path = '/api/v1/webhooks/deliveries';
const row = {
  id,
  source: 'github',
  delivery_id: 'd-1',
  event: 'pull_request',
  action: 'opened',
  status: 'created',
  reason: null,
  task_id: task,
  repo_url: 'https://github.com/ada/engine.git',
  pr_number: 42,
  head_sha: 'a1',
  received_at: '2026-02-26T12:00:00Z',
  settled_at: '2026-02-26T12:00:01Z',
};
const ignored = {
  ...row,
  status: 'ignored',
  event: 'ping',
  action: null,
  task_id: null,
  repo_url: null,
  pr_number: null,
};
const whole = {
  ...row,
  title: 'Log in\u001b[2J',
  source_branch: 'feature/login',
  target_branch: 'main',
  draft: false,
  round: 2,
  attempts: 0,
  next_attempt_at: null,
  body_bytes: 7,
  body_sha256: '00',
};

test('webhooks are listed without a word behind the command, narrowed by flags', async (t) => {
  const api = await startApi(t, { [`GET ${path}`]: answer(200, { webhooks: [row, ignored], total: 2 }) });
  const ended = await slipway(['webhooks'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `ID                                    STATUS   TASK      EVENT         ACTION  ABOUT
${id}  created  77a2ffbd  pull_request  opened  https://github.com/ada/engine.git #42
${id}  ignored            ping
`,
  });
  await slipway(['webhooks', 'ls', '--source', 'gitlab', '--status', 'refused', '--limit', '5'], {
    address: api.url,
  });
  assert.equal(api.requests.at(-1), `GET ${path}?source=gitlab&status=refused&limit=5&offset=0`);
  const none = await startApi(t, { [`GET ${path}`]: answer(200, { webhooks: [], total: 0 }) });
  assert.equal((await slipway(['webhooks'], { address: none.url })).stderr, 'no webhooks\n');
});

test('a webhook is shown with what is kept of it, harmless for a terminal', async (t) => {
  const api = await startApi(t, { [`GET ${path}/${id}`]: answer(200, whole) });
  const ended = await slipway(['webhooks', 'show', id], { address: api.url });
  assert.equal(ended.code, 0);
  assert.equal(
    ended.stdout.replaceAll(/\d{4}-\d\d-\d\d HH:MM:SS/gu, 'TIME'),
    `webhook       ${id}
status        created
task          ${task}
source        github
delivery      d-1
event         pull_request
action        opened
about         https://github.com/ada/engine.git #42
title         Log in
commit        a1
branch        feature/login
into          main
round         2
received      TIME
settled       TIME
`,
  );
  const json = await slipway(['webhooks', 'show', id, '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), whole);
});

test('a webhook is dealt with again; one that waits is refused with 6', async (t) => {
  const redeliver = `POST ${path}/${id}/redeliver`;
  const api = await startApi(t, { [redeliver]: answer(202, { id, status: 'waiting' }) });
  const ended = await slipway(['webhooks', 'redeliver', id], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, `waiting: ${id}\n`]);
  const message = 'webhook is already waiting';
  const busy = await startApi(t, { [redeliver]: answer(409, { error: 'Conflict', message }) });
  const refused = await slipway(['webhooks', 'redeliver', id], { address: busy.url });
  assert.deepEqual([refused.code, refused.stderr], [6, `slipway: ${message}\n`]);
});
