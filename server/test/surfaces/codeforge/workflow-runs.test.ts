import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { httpOptionDefaults } from '../../../src/http/http-deps.ts';
import { driveTasks } from './drive-task.ts';
import { driveWorkflows } from './drive-workflow.ts';
import { idsOf, parseFrames, type Frame } from './open-stream.ts';
import { smallestTask, strangerToken, testApi, type TestApiOptions, type TestRequest } from './test-api.ts';

const path = '/api/v1/workflow-runs';
const nobodys = '4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10';
const url = 'https://tracker.example.com/';
const fetchStep = (name: string) => ({ name, type: 'fetch', config: { url, outputs: { title: '$.title' } } });

const twoFetches = {
  name: 'two',
  steps: [fetchStep('one'), fetchStep('other')],
  parameters: [
    { name: 'item', required: true },
    { name: 'key', sensitive: true },
    { name: 'note', default: 'none' },
  ],
};

const withTask = {
  name: 'mending',
  steps: [
    {
      name: 'mend',
      type: 'task',
      config: {
        repo_url: smallestTask.repo_url,
        prompt: smallestTask.prompt,
        cli: 'script',
        command: 'true',
      },
    },
    fetchStep('tell'),
  ],
};

/** The API with both workflows, and what drives their runs. */
async function set(t: TestContext, options?: TestApiOptions) {
  const api = await testApi(t, options);
  for (const body of [twoFetches, withTask]) {
    assert.equal((await api.call('POST', '/api/v1/workflows', { body })).status, 201);
  }
  const drive = await driveWorkflows(api);
  const start = (name = 'two', request: TestRequest = { body: { params: { item: '7' } } }) =>
    api.call('POST', `/api/v1/workflows/${name}/run`, request);
  const started = async (name = 'two'): Promise<string> => {
    const answer = await start(name, { body: { params: name === 'two' ? { item: '7' } : {} } });
    assert.equal(answer.status, 201, answer.text);
    return String(answer.json.run_id);
  };
  const show = async (id: string) => (await api.call('GET', `${path}/${id}`)).json;
  return { ...api, api, drive, start, started, show };
}

test('a run is started, goes step by step, and is shown with what each came to', async (t) => {
  const { start, drive, show } = await set(t);
  const answer = await start('two', { body: { params: { item: 7, key: 'hidden-7f3a', unused: undefined } } });
  const { run_id: id, created_at } = answer.json;
  assert.deepEqual([answer.status, answer.headers['location']], [201, `${path}/${id}`]);
  assert.deepEqual(answer.json, { run_id: id, workflow_name: 'two', status: 'pending', created_at });
  const pending = await show(id);
  const { trace_id } = pending;
  assert.deepEqual(pending, {
    id,
    workflow_name: 'two',
    status: 'pending',
    params: { item: '7', key: '***', note: 'none' },
    steps: [
      { step_name: 'one', step_type: 'fetch', status: 'pending' },
      { step_name: 'other', step_type: 'fetch', status: 'pending' },
    ],
    created_at,
    trace_id,
  });
  const effect = await drive.begin();
  const running = await show(id);
  assert.deepEqual([running.status, running.steps[0].status], ['running', 'running']);
  assert.ok(running.started_at && running.steps[0].started_at && !running.finished_at);
  await drive.settle(effect, { kind: 'completed', outputs: { title: 'It breaks', status: 200 } });
  await drive.complete({ status: 204 });
  const done = await show(id);
  assert.equal(done.status, 'completed');
  assert.deepEqual(
    done.steps.map(({ status, result }: { status: string; result: object }) => [status, result]),
    [
      ['completed', { title: 'It breaks', status: 200 }],
      ['completed', { status: 204 }],
    ],
  );
  assert.ok(done.finished_at >= done.steps[1].started_at);
});

test('an answer with names that the database cannot keep has marks in their place', async (t) => {
  const { started, drive, show } = await set(t);
  const id = await started();
  const answer = { 'a\u0000': { '\ud800': '\u0000' } };
  await drive.complete({ answer });
  assert.deepEqual((await show(id)).steps[0].result, { answer: { 'a\ufffd': { '\ufffd': '\ufffd' } } });
});

test('a step that fails fails the run, and those behind it are skipped', async (t) => {
  const { started, drive, show, call } = await set(t);
  const id = await started();
  await drive.settle(await drive.begin(), { kind: 'failed', error: 'nothing at $.title' });
  const run = await show(id);
  assert.deepEqual([run.status, run.error], ['failed', 'one: nothing at $.title']);
  assert.deepEqual([run.steps[0].status, run.steps[0].error], ['failed', 'nothing at $.title']);
  assert.equal(run.steps[1].status, 'skipped');
  const [row] = (await call('GET', path)).json.runs;
  assert.equal(row.error, run.error);
});

test('parameters that are missing, unknown or too large are refused, and nothing is stored', async (t) => {
  const { start, call, database } = await set(t);
  const missing = await start('two', { body: {} });
  assert.deepEqual([missing.status, missing.json.message], [400, 'missing required parameter: item']);
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    [{ item: '7', other: 'x' }, ['params.other']],
    [{ item: '7', constructor: 'x' }, ['params.constructor']],
    [{ item: {} }, ['params.item']],
    [{ item: 'x'.repeat(102_401) }, ['params.item']],
    [['7'], ['params']],
    ['7', ['params']],
  ];
  for (const [params, fields] of cases) {
    const answer = await start('two', { body: { params } });
    assert.equal(answer.status, 400, answer.text.slice(0, 200));
    assert.deepEqual(Object.keys(answer.json.fields), fields);
  }
  const proto = await start('two', { body: '{"params":{"item":"7","__proto__":"x"}}' });
  assert.equal(proto.status, 400);
  for (const item of ['', null]) {
    assert.equal((await start('two', { body: { params: { item } } })).status, 400);
  }
  assert.equal((await start('nobody')).status, 404);
  assert.deepEqual((await call('GET', path)).json, { runs: [], total: 0 });
  assert.deepEqual(await database.kysely.selectFrom('effects').select('id').execute(), []);
});

test('one key starts one run, however often and at once it is sent, and stands for nothing else', async (t) => {
  const { start, call } = await set(t);
  const headers = { 'idempotency-key': 'nightly-7' };
  const order = { headers, body: { params: { item: '7' } } };
  const answers = await Promise.all(Array.from({ length: 5 }, () => start('two', order)));
  assert.deepEqual(
    answers.map(({ status, text }) => [status, text]),
    answers.map(() => [201, answers[0]?.text]),
  );
  const two = { headers: { 'idempotency-key': 'ordered' }, body: { params: { item: '7', note: 'x' } } };
  const swapped = { ...two, body: { params: { note: 'x', item: '7' } } };
  assert.equal((await start('two', two)).text, (await start('two', swapped)).text);
  const other = await start('two', { headers, body: { params: { item: '8' } } });
  assert.equal(other.status, 409);
  assert.equal((await start('mending', { headers })).status, 409);
  await call('DELETE', '/api/v1/workflows/two');
  assert.equal((await start('two', order)).json.run_id, answers[0]?.json.run_id);
  assert.equal((await call('GET', path)).json.total, 2);
  const odd = await start('two', { ...order, headers: { 'idempotency-key': 'é' } });
  assert.deepEqual(Object.keys(odd.json.fields), ['Idempotency-Key']);
});

test('a workflow whose key is gone is told of, and can be deleted', async (t) => {
  const { start, call, database } = await set(t);
  await database.kysely.updateTable('secrets').set({ key_id: 'gone' }).execute();
  const refused = await start();
  assert.equal(refused.status, 409);
  assert.match(refused.json.message, /^the workflow cannot be decrypted: delete it/u);
  assert.equal((await call('DELETE', '/api/v1/workflows/two')).status, 200);
});

test('a run is one of the tasks of the minute', async (t) => {
  const { start, create } = await set(t, { policy: { tasksPerMinute: 2 } });
  await create();
  assert.equal((await start()).status, 201);
  const refused = await start();
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) > 0);
});

test('a run keeps the workflow that it was started with', async (t) => {
  const { started, call, drive, show } = await set(t);
  const id = await started();
  assert.equal((await call('DELETE', '/api/v1/workflows/two')).status, 200);
  await drive.complete({ status: 200 });
  await drive.complete({ status: 200 });
  assert.equal((await show(id)).status, 'completed');
});

test('runs are listed by page, workflow and status, newest first', async (t) => {
  const { started, call, drive } = await set(t);
  const ids = [await started(), await started('mending'), await started()];
  await drive.begin();
  const list = async (query: string) => {
    const { status, json } = await call('GET', `${path}?${query}`);
    assert.equal(status, 200);
    return [json.runs.map(({ id }: { id: string }) => ids.indexOf(id)), json.total];
  };
  assert.deepEqual(await list(''), [[2, 1, 0], 3]);
  assert.deepEqual(await list('limit=1&offset=1'), [[1], 3]);
  assert.deepEqual(await list('workflow=two'), [[2, 0], 2]);
  assert.deepEqual(await list('workflow=two&status=running'), [[0], 1]);
  assert.deepEqual(await list('status=pending&workflow='), [[2, 1], 2]);
  assert.deepEqual(await list('workflow=nobody'), [[], 0]);
  assert.deepEqual(await list('workflow=%00'), [[], 0]);
  assert.deepEqual(await list('status=cancelled'), [[], 0]);
  assert.equal((await call('GET', `${path}?limit=x`)).status, 400);
  await call('POST', `${path}/${ids[2]}/cancel`);
  assert.deepEqual(await list('status=canceled'), [[2], 1]);
});

test('a run that is unknown or foreign, and what is no id, is 404 whatever is asked of it', async (t) => {
  const { started, call } = await set(t);
  const id = await started();
  const stranger: TestRequest = { token: strangerToken };
  for (const [known, request] of [
    [nobodys, {}],
    ['nothing', {}],
    ['1', {}],
    ['%00', {}],
    [id, stranger],
  ] as const) {
    for (const [method, behind] of [
      ['GET', ''],
      ['GET', '/stream'],
      ['POST', '/cancel'],
    ] as const) {
      const answer = await call(method, `${path}/${known}${behind}`, request);
      assert.deepEqual([answer.status, answer.json.message], [404, 'workflow run not found'], known);
    }
  }
  assert.deepEqual((await call('GET', path, stranger)).json, { runs: [], total: 0 });
  assert.equal((await call('GET', `${path}/${id.toUpperCase()}`)).status, 200);
});

test('a run that has not begun is canceled at once, and once', async (t) => {
  const { started, call, show } = await set(t);
  const id = await started();
  const canceled = await call('POST', `${path}/${id}/cancel`);
  assert.equal(canceled.status, 200);
  assert.deepEqual(canceled.json, {
    status: 'canceling',
    message: 'workflow run cancellation requested',
  });
  const run = await show(id);
  assert.deepEqual([run.status, run.steps[0].status], ['canceled', 'skipped']);
  const again = await call('POST', `${path}/${id}/cancel`);
  assert.deepEqual(
    [again.status, again.json.message],
    [409, 'workflow run is not running (status: canceled)'],
  );
});

test('a run is canceled with the task that is at work on it, which names the run', async (t) => {
  const { api, started, create, call, drive, show } = await set(t);
  const id = await started('mending');
  const effect = await drive.begin();
  const taskId = await create();
  const ofStep = { workflow_run_id: id, workflow_step: 0 };
  await api.database.kysely.updateTable('tasks').set(ofStep).where('id', '=', taskId).execute();
  await drive.settle(effect, { kind: 'begun', taskId });
  assert.equal((await call('GET', `/api/v1/tasks/${taskId}`)).json.workflow_run_id, id);
  const tasks = await driveTasks(api);
  const run = await tasks.claim();
  await tasks.start(run);
  for (const _time of [1, 2]) assert.equal((await call('POST', `${path}/${id}/cancel`)).status, 200);
  assert.equal((await show(id)).status, 'running');
  await tasks.cancel(run);
  const over = await show(id);
  assert.deepEqual(
    [over.status, ...over.steps.map(({ status }: { status: string }) => status)],
    ['canceled', 'canceled', 'skipped'],
  );
  assert.equal(over.steps[0].task_id, taskId);
});

test('all runs of a workflow are canceled, those that are not over', async (t) => {
  const { started, call, show } = await set(t);
  const ids = [await started(), await started(), await started('mending'), await started()];
  await call('POST', `${path}/${ids[3]}/cancel`);
  const all = (query: string) => call('POST', `${path}/cancel-all${query}`);
  const first = await all('?workflow=two');
  assert.deepEqual([first.status, first.json], [200, { canceled: 2, message: '2 workflow runs canceled' }]);
  assert.deepEqual((await all('?workflow=two')).json, { canceled: 0, message: '0 workflow runs canceled' });
  assert.equal((await all('?workflow=nobody')).json.canceled, 0);
  assert.equal((await show(String(ids[2]))).status, 'pending');
  for (const query of ['', '?workflow=', '?workflow=a%20b']) {
    const refused = await all(query);
    assert.equal(refused.status, 400, query);
    assert.deepEqual(Object.keys(refused.json.fields), ['workflow']);
  }
  const stranger = await call('POST', `${path}/cancel-all?workflow=mending`, { token: strangerToken });
  assert.equal(stranger.json.canceled, 0);
});

const named = (frames: readonly Frame[]) => frames.map(({ event, data }) => event ?? data.event);

test('the stream of a run has connected, every step, and done; resumed, it has no gap and no repeat', async (t) => {
  const { started, call, drive } = await set(t);
  const id = await started();
  const live = call('GET', `${path}/${id}/stream`);
  await drive.complete({ status: 200 });
  await drive.settle(await drive.begin(), { kind: 'failed', error: 'the answer is 500' });
  const { text, headers } = await live;
  assert.equal(headers['content-type'], 'text/event-stream');
  const frames = parseFrames(text);
  assert.deepEqual(frames[0]?.data.run_id, id);
  const data = frames.slice(1).map(({ event, data: { ts: _ts, ...rest } }) => (event ? [event, rest] : rest));
  const system = (event: string, more: object) => ({ type: 'system', event, data: more });
  const error = 'the answer is 500';
  assert.deepEqual(data, [
    system('workflow_started', { workflow: 'two', run_id: id }),
    system('step_started', { step: 'one', type: 'fetch' }),
    system('step_completed', { step: 'one' }),
    system('step_started', { step: 'other', type: 'fetch' }),
    system('step_failed', { step: 'other', error }),
    system('workflow_failed', { error: `other: ${error}` }),
    ['done', { run_id: id, status: 'failed', error: `other: ${error}` }],
  ]);
  for (const after of [0, ...idsOf(frames)]) {
    const lastEventId = { 'last-event-id': String(after) };
    const resumed = parseFrames((await call('GET', `${path}/${id}/stream`, { headers: lastEventId })).text);
    assert.deepEqual(
      resumed.slice(1),
      frames.slice(1).filter((frame) => (frame.id ?? Infinity) > after),
    );
  }
});

test('the stream of a canceled run says so', async (t) => {
  const { started, call } = await set(t);
  const id = await started();
  await call('POST', `${path}/${id}/cancel`);
  const frames = parseFrames((await call('GET', `${path}/${id}/stream`)).text);
  assert.deepEqual(named(frames), ['connected', 'workflow_canceled', 'done']);
  assert.deepEqual(frames.at(-1)?.data, { run_id: id, status: 'canceled' });
});

test('the stream of a run has a longest time of its own, of half an hour', async (t) => {
  assert.equal(httpOptionDefaults.workflowStreamMaxMs, 1_800_000);
  const { started, call } = await set(t, { http: { workflowStreamMaxMs: 50 } });
  const { text } = await call('GET', `${path}/${await started()}/stream`);
  assert.deepEqual(
    parseFrames(text).map(({ event }) => event),
    ['connected', 'timeout'],
  );
});
