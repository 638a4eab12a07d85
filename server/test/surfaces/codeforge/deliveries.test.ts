import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test, type TestContext } from 'node:test';
import type { CallbackPayload } from '../../../src/domain/effect-state.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import { settleCallback, type CallbackSettlement } from '../../../src/store/callbacks.ts';
import { leaseEffect } from '../../../src/store/effects.ts';
import { ensureWorker } from '../../../src/store/owners.ts';
import type { Wake } from '../../../src/store/wakeups.ts';
import { driveTasks } from './drive-task.ts';
import { strangerToken, testApi, type TestApi } from './test-api.ts';

const hook = 'https://ci.example.com/hooks/slipway';
const withCallback = { callback_url: `${hook}?token=of-the-receiver` };
const failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'it broke' } as const;

const list = async (api: TestApi, query = '', token?: string) =>
  (await api.call('GET', `/api/v1/deliveries${query}`, token === undefined ? {} : { token })).json;

/** A server with a task that has completed and whose callback waits. */
async function completed(t: TestContext) {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const taskId = await api.create(withCallback);
  const run = await drive.claim();
  await drive.start(run);
  await drive.spend(run, { inputTokens: 1_500, outputTokens: 500 });
  await drive.finish(run, { patch: 'diff' });
  const { deliveries } = await list(api);
  const workerId = systemIds.ordered();
  await ensureWorker(api.database, { id: workerId, host: hostname(), version: 'test' });
  const settle = async (settlement: CallbackSettlement): Promise<void> => {
    const effect = await leaseEffect(api.database, workerId, { kinds: ['callback'] });
    assert.ok(effect?.kind === 'callback');
    assert.ok(await settleCallback(api.database, effect, settlement));
  };
  return { api, drive, taskId, run, delivery: deliveries[0], settle };
}

const entry = (status: number | null, error: string | null) => ({
  at: '2026-11-22T03:55:55.994Z',
  status,
  error,
  durationMs: 12,
});

test('a task keeps its callback address, and its end is a delivery that is due', async (t) => {
  const { api, taskId, delivery } = await completed(t);
  assert.equal(
    (await api.call('GET', `/api/v1/tasks/${taskId}`)).json.callback_url,
    withCallback.callback_url,
  );
  assert.deepEqual(await list(api), {
    deliveries: [
      {
        id: delivery.id,
        task_id: taskId,
        event: 'task.completed',
        url: hook,
        status: 'pending',
        attempts: 0,
        last_status: null,
        last_error: null,
        created_at: delivery.created_at,
        delivered_at: null,
        next_attempt_at: delivery.next_attempt_at,
      },
    ],
    total: 1,
  });
  assert.ok(Date.parse(delivery.next_attempt_at) >= Date.parse(delivery.created_at));
});

test('one delivery shows what is sent, byte for byte, and how its attempts went', async (t) => {
  const { api, taskId, delivery, settle } = await completed(t);
  const log = [entry(500, 'the receiver answered 500')];
  await settle({ outcome: { tried: 1, log }, end: { againInSeconds: 500 } });
  const { status, json } = await api.call('GET', `/api/v1/deliveries/${delivery.id}`);
  assert.equal(status, 200);
  const { log: shown, body, ...row } = json;
  assert.deepEqual([row], (await list(api)).deliveries);
  assert.partialDeepStrictEqual(row, {
    status: 'pending',
    attempts: 1,
    last_status: 500,
    last_error: 'the receiver answered 500',
  });
  assert.deepEqual(shown, [
    { at: entry(null, null).at, status: 500, error: 'the receiver answered 500', duration_ms: 12 },
  ]);
  const task = (await api.call('GET', `/api/v1/tasks/${taskId}`)).json;
  assert.deepEqual(JSON.parse(body), {
    task_id: taskId,
    status: 'completed',
    result: 'All green.',
    changes_summary: task.changes_summary,
    usage: { input_tokens: 1_500, output_tokens: 500, duration_seconds: 120 },
    trace_id: task.trace_id,
    finished_at: task.finished_at,
    iteration: 1,
  });
});

test('what was delivered can be sent again with the same id and body; what waits cannot', async (t) => {
  const { api, taskId, delivery, settle } = await completed(t);
  const path = `/api/v1/deliveries/${delivery.id}`;
  const again = () => api.call('POST', `${path}/redeliver`);
  const early = await again();
  assert.equal(early.status, 409);
  assert.deepEqual(early.json, { error: 'Conflict', message: 'delivery is already pending' });
  const { body } = (await api.call('GET', path)).json;
  for (const end of ['done', 'failed'] as const) {
    await settle({ outcome: { tried: 3, log: [entry(200, null)] }, end });
    const ended = (await api.call('GET', path)).json;
    assert.deepEqual([ended.status, ended.attempts], [end === 'done' ? 'delivered' : 'failed', 3]);
    assert.deepEqual([ended.delivered_at === null, ended.next_attempt_at], [end === 'failed', null]);
    const woken: Wake[] = [];
    api.wakeups.listen((wake) => woken.push(wake));
    const answer = await again();
    assert.equal(answer.status, 202);
    assert.deepEqual(answer.json, { id: delivery.id, status: 'pending' });
    assert.ok(woken.some(({ topic, id }) => topic === 'effect' && id === taskId));
    const revived = (await api.call('GET', path)).json;
    assert.deepEqual([revived.status, revived.attempts, revived.body], ['pending', 0, body]);
    assert.deepEqual([revived.delivered_at, revived.log.length], [null, 1], 'the log stays');
  }
});

test('the list is narrowed by task and status, and comes in pages', async (t) => {
  const { api, taskId, settle, drive } = await completed(t);
  await settle({ outcome: { tried: 1, log: [entry(200, null)] }, end: 'done' });
  const other = await api.create(withCallback);
  const run = await drive.claim();
  await drive.start(run);
  await drive.fail(run, failure);
  const ids = async (query: string): Promise<readonly string[]> => {
    const { deliveries, total } = await list(api, query);
    assert.ok(total >= deliveries.length);
    return deliveries.map((delivery: { task_id: string }) => delivery.task_id);
  };
  assert.deepEqual(await ids(''), [other, taskId]);
  assert.deepEqual(await ids(`?task_id=${taskId}`), [taskId]);
  assert.deepEqual(await ids(`?task_id=task-${other}&status=pending`), [other]);
  assert.deepEqual(await ids(`?task_id=${other}&status=delivered`), []);
  assert.deepEqual(await ids('?status=delivered'), [taskId]);
  assert.deepEqual(await ids('?status=failed'), []);
  assert.deepEqual(await ids('?status=dancing'), []);
  assert.deepEqual(await ids('?limit=1'), [other]);
  assert.deepEqual(await ids('?limit=1&offset=1'), [taskId]);
  assert.equal((await list(api, '?limit=1')).total, 2);
  assert.equal((await api.call('GET', '/api/v1/deliveries?limit=many')).status, 400);
  for (const unknown of ['nonsense', systemIds.random()]) {
    assert.equal((await api.call('GET', `/api/v1/deliveries?task_id=${unknown}`)).status, 404);
  }
});

test("a stranger sees none of another's deliveries, and sends none of them again", async (t) => {
  const { api, taskId, delivery } = await completed(t);
  assert.deepEqual(await list(api, '', strangerToken), { deliveries: [], total: 0 });
  const paths = [
    ['GET', `/api/v1/deliveries/${delivery.id}`],
    ['POST', `/api/v1/deliveries/${delivery.id}/redeliver`],
    ['GET', `/api/v1/deliveries?task_id=${taskId}`],
  ] as const;
  for (const [method, path] of paths) {
    assert.equal((await api.call(method, path, { token: strangerToken })).status, 404, path);
    assert.equal((await api.call(method, path, { token: null })).status, 401, path);
  }
  for (const unknown of ['nonsense', systemIds.random(), '%00']) {
    assert.equal((await api.call('GET', `/api/v1/deliveries/${unknown}`)).status, 404, unknown);
    assert.equal((await api.call('POST', `/api/v1/deliveries/${unknown}/redeliver`)).status, 404, unknown);
  }
});

/** What the callbacks of a task tell, oldest first. */
async function told(api: TestApi, taskId: string) {
  const rows = await api.database.kysely
    .selectFrom('effects')
    .select('payload')
    .where('task_id', '=', taskId)
    .where('kind', '=', 'callback')
    .orderBy('created_at')
    .execute();
  return rows.map(({ payload }) => {
    const { event, iteration, status, error } = payload as CallbackPayload;
    return [event, iteration, status, error];
  });
}

test('a task without a callback address ends in silence', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  await api.create({ callback_url: '' });
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run);
  assert.deepEqual(await list(api), { deliveries: [], total: 0 });
});

test('a failure and a cancellation are told, each once', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const failing = await api.create(withCallback);
  const first = await drive.claim();
  await drive.start(first);
  assert.deepEqual(await told(api, failing), [], 'it has not ended yet');
  await drive.fail(first, failure);
  assert.deepEqual(await told(api, failing), [['task.failed', 1, 'failed', 'it broke']]);
  const waiting = await api.create(withCallback);
  await api.call('POST', `/api/v1/tasks/${waiting}/cancel`, { body: { queued: true } });
  assert.deepEqual(await told(api, waiting), [['task.failed', 1, 'failed', 'canceled by user']]);
  const live = await api.create(withCallback);
  const second = await drive.claim();
  await drive.start(second);
  await api.call('POST', `/api/v1/tasks/${live}/cancel`);
  assert.deepEqual(await told(api, live), []);
  await drive.cancel(second);
  assert.deepEqual(await told(api, live), [['task.failed', 1, 'failed', 'canceled by user']]);
});

test('work that is pushed is told of when it has been pushed', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const taskId = await api.create({ ...withCallback, publish: 'branch' });
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'diff', push: 'codeforge/fix' });
  assert.deepEqual(await told(api, taskId), []);
  await drive.deliver();
  assert.deepEqual(await told(api, taskId), [['task.completed', 1, 'completed', null]]);
  const { deliveries } = await list(api);
  const { json } = await api.call('GET', `/api/v1/deliveries/${deliveries[0].id}`);
  assert.equal(JSON.parse(json.body).branch, 'codeforge/fix');
});

test('each of several instructions that waited in a row is told of by its own number', async (t) => {
  const { api, drive, taskId } = await completed(t);
  const instruct = (prompt: string) =>
    api.call('POST', `/api/v1/tasks/${taskId}/instruct`, { body: { prompt } });
  await instruct('and now this');
  await instruct('and then that');
  await instruct('and never this');
  const second = await drive.claim('follow_ups');
  await drive.start(second);
  await drive.spend(second, { inputTokens: 7 });
  await drive.finish(second);
  const third = await drive.claim('follow_ups');
  await drive.start(third);
  await drive.finish(third);
  await api.call('POST', `/api/v1/tasks/${taskId}/cancel`, { body: { queued: true } });
  assert.deepEqual(await told(api, taskId), [
    ['task.completed', 1, 'completed', null],
    ['task.completed', 2, 'completed', null],
    ['task.completed', 3, 'completed', null],
    ['task.failed', 4, 'failed', 'canceled by user'],
  ]);
  const { deliveries } = await list(api);
  const { json } = await api.call('GET', `/api/v1/deliveries/${deliveries[2].id}`);
  assert.partialDeepStrictEqual(JSON.parse(json.body), {
    iteration: 2,
    usage: { input_tokens: 7, output_tokens: 0, duration_seconds: 120 },
  });
});
