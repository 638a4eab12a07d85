import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Wake } from '../../../src/store/wakeups.ts';
import { sql } from 'kysely';
import { driveTasks } from './drive-task.ts';
import { parseFrames } from './open-stream.ts';
import { strangerToken, testApi, type Method } from './test-api.ts';

const path = (id: string, rest = '') => `/api/v1/tasks/${id}${rest}`;

/** A running task whose agent has asked something. */
async function asking(t: TestContext) {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  const approval = await drive.ask(run);
  const answer = (decision: string, reason?: string, question = approval) =>
    api.call('POST', path(id, `/approvals/${question}`), { body: { decision, reason } });
  return { api, drive, id, run, approval, answer };
}

test('a question is listed with its task and with all that waits', async (t) => {
  const { api, id, approval } = await asking(t);
  const { status, json } = await api.call('GET', path(id, '/approvals'));
  assert.equal(status, 200);
  const [one] = json.approvals;
  assert.deepEqual(json.approvals, [
    {
      id: approval,
      task_id: id,
      tool: 'Bash',
      summary: 'rm -r build',
      arguments: { command: 'rm -r build' },
      state: 'waiting',
      reason: '',
      expires_at: one.expires_at,
      created_at: one.created_at,
      decided_at: null,
    },
  ]);
  assert.ok(Date.parse(one.expires_at) - Date.parse(one.created_at) === 600_000);
  assert.deepEqual((await api.call('GET', '/api/v1/approvals')).json, json);
  assert.deepEqual((await api.call('GET', path(id, '/approvals?state=waiting'))).json, json);
  for (const state of ['allowed', 'dancing', '%00']) {
    assert.deepEqual((await api.call('GET', path(id, `/approvals?state=${state}`))).json, { approvals: [] });
  }
  assert.equal((await api.call('GET', path(id))).json.status, 'running');
});

test('an answer is given once: the task runs on, and another answer is 409', async (t) => {
  const { api, id, run, approval, answer } = await asking(t);
  const woken: Wake[] = [];
  api.wakeups.listen((wake) => woken.push(wake));
  const { status, json } = await answer('deny', 'use the test database');
  assert.equal(status, 200);
  assert.equal(json.id, approval);
  assert.equal(json.state, 'denied');
  assert.equal(json.reason, 'use the test database');
  assert.ok(Date.parse(json.decided_at) >= Date.parse(json.created_at));
  assert.deepEqual(woken, [
    { topic: 'answer', id: run.runId },
    { topic: 'stream', id },
  ]);
  const again = await answer('allow');
  assert.equal(again.status, 409);
  assert.deepEqual(again.json, { error: 'Conflict', message: 'approval is already denied' });
  assert.deepEqual((await api.call('GET', '/api/v1/approvals')).json, { approvals: [] });
  assert.equal((await api.call('GET', path(id, '/approvals'))).json.approvals.length, 1);
  const row = await api.database.kysely.selectFrom('approvals').selectAll().executeTakeFirstOrThrow();
  assert.notEqual(row.decided_by, null);
});

test('question and answer are events', async (t) => {
  const { api, drive, id, run, approval, answer } = await asking(t);
  await answer('allow');
  await drive.finish(run);
  const frames = parseFrames((await api.call('GET', path(id, '/stream'))).text);
  const of = (event: string) => frames.find((frame) => frame.data.event === event)?.data;
  assert.equal(of('approval_requested').type, 'system');
  assert.partialDeepStrictEqual(of('approval_requested').data, {
    approval_id: approval,
    tool: 'Bash',
    summary: 'rm -r build',
  });
  assert.deepEqual(of('approval_decided').data, { approval_id: approval, decision: 'allowed', reason: '' });
});

test('an answer to a parked run queues the run that goes on', async (t) => {
  const { api, drive, id, run, answer } = await asking(t);
  await drive.park(run);
  assert.equal((await api.call('GET', path(id))).json.status, 'running');
  const woken: string[] = [];
  api.wakeups.listen(({ topic }) => woken.push(topic));
  assert.equal((await answer('allow')).status, 200);
  assert.deepEqual(woken, ['answer', 'run', 'stream']);
  assert.equal((await api.call('GET', path(id))).json.status, 'awaiting_instruction');
  const next = await drive.claim();
  assert.equal(next.cause, 'resumed');
  await drive.start(next);
  await drive.finish(next);
  const { json } = await api.call('GET', path(id, '?include=iterations'));
  assert.deepEqual(
    json.iterations.map((iteration: { number: number; status: string }) => [
      iteration.number,
      iteration.status,
    ]),
    [[1, 'completed']],
  );
});

test('an answer that comes too late is none: the question has expired', async (t) => {
  const { api, id, approval, answer } = await asking(t);
  await sql`update approvals set expires_at = now() - interval '1 second'`.execute(api.database.kysely);
  const late = await answer('allow');
  assert.equal(late.status, 409);
  assert.equal(late.json.message, 'approval is already expired');
  const [one] = (await api.call('GET', path(id, '/approvals'))).json.approvals;
  assert.deepEqual([one.id, one.state, one.reason], [approval, 'expired', 'nobody answered in time']);
});

test('an answer that is none is 400 before anything is looked for', async (t) => {
  const { call } = await testApi(t);
  const cases: readonly (readonly [object, Readonly<Record<string, string>>])[] = [
    [{}, { decision: 'field is required' }],
    [{ decision: null }, { decision: 'field is required' }],
    [{ decision: '' }, { decision: 'field is required' }],
    [{ decision: true }, { decision: 'must be a string' }],
    [{ decision: 'allowed' }, { decision: 'must be one of allow, deny' }],
    [{ decision: 'Allow' }, { decision: 'must be one of allow, deny' }],
    [{ decision: 'allow', reason: 1 }, { reason: 'must be a string' }],
    [{ decision: 'deny', reason: 'x'.repeat(1_001) }, { reason: 'exceeds maximum length' }],
    [{ decision: 'deny', reason: 'a\u0000' }, { reason: 'must not contain NUL characters' }],
    [
      { decision: 'maybe', reason: '\ud800' },
      { decision: 'must be one of allow, deny', reason: 'must be valid Unicode' },
    ],
  ];
  for (const [body, fields] of cases) {
    const answer = await call('POST', path('nowhere', '/approvals/nothing'), { body });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json.fields, fields);
  }
});

test('a question is found by its own task and id alone', async (t) => {
  const { api, id, approval, answer } = await asking(t);
  const other = await api.create();
  const unknown = '77a2ffbd-11b6-4654-9325-89306d55bc89';
  const body = { decision: 'allow' };
  for (const name of [unknown, 'abc', '1', '%00', `task-${approval}`]) {
    const missing = await api.call('POST', path(id, `/approvals/${name}`), { body });
    assert.equal(missing.status, 404, name);
    assert.deepEqual(missing.json, { error: 'Not Found', message: 'approval not found' });
  }
  const foreign = await api.call('POST', path(other, `/approvals/${approval}`), { body });
  assert.equal(foreign.json.message, 'approval not found');
  const nowhere = await api.call('POST', path(unknown, `/approvals/${approval}`), { body });
  assert.equal(nowhere.json.message, 'task not found');
  assert.equal((await answer('allow', 'x'.repeat(1_000), approval.toUpperCase())).status, 200);
});

test('to a stranger there are no questions', async (t) => {
  const { api, id, approval } = await asking(t);
  const routes: readonly (readonly [Method, string])[] = [
    ['GET', path(id, '/approvals')],
    ['POST', path(id, `/approvals/${approval}`)],
  ];
  for (const [method, route] of routes) {
    const body = method === 'POST' ? { decision: 'allow' } : undefined;
    const answer = await api.call(method, route, { token: strangerToken, body });
    assert.deepEqual([answer.status, answer.json.message], [404, 'task not found']);
  }
  const all = await api.call('GET', '/api/v1/approvals', { token: strangerToken });
  assert.deepEqual(all.json, { approvals: [] });
  assert.equal((await api.call('GET', path(id, '/approvals'))).json.approvals[0].state, 'waiting');
  for (const route of ['/api/v1/approvals', path(id, '/approvals')]) {
    assert.equal((await api.call('GET', route, { token: null })).status, 401);
  }
});

test('a task that waits for a person can be cancelled: a parked one at once', async (t) => {
  const { api, drive, id, run, answer } = await asking(t);
  const asked = await api.call('POST', path(id, '/cancel'));
  assert.equal(asked.status, 200);
  assert.equal((await answer('allow')).json.message, 'approval is already dropped');
  await drive.cancel(run);
  assert.equal((await api.call('GET', path(id))).json.error, 'canceled by user');
  const parked = await api.create();
  const second = await drive.claim();
  await drive.start(second);
  const question = await drive.ask(second);
  await drive.park(second);
  assert.equal((await api.call('POST', path(parked, '/cancel'))).status, 200);
  const { json } = await api.call('GET', path(parked));
  assert.deepEqual([json.status, json.error], ['failed', 'canceled by user']);
  const late = await api.call('POST', path(parked, `/approvals/${question}`), {
    body: { decision: 'allow' },
  });
  assert.deepEqual([late.status, late.json.message], [409, 'approval is already dropped']);
});
