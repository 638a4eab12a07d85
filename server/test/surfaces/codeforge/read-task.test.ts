import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { driveTasks } from './drive-task.ts';
import { smallestTask, strangerToken, testApi, type Method } from './test-api.ts';

const path = (id: string, rest = '') => `/api/v1/tasks/${id}${rest}`;

test('a finished task is shown as documented, without what is empty', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create({ config: { ...smallestTask.config, target_branch: 'main' } });
  const pending = (await api.call('GET', path(id))).json;
  assert.deepEqual(pending, {
    id,
    status: 'pending',
    task_type: 'code',
    repo_url: smallestTask.repo_url,
    prompt: smallestTask.prompt,
    publish: 'manual',
    config: { timeout_seconds: 300, cli: 'script', command: 'true', target_branch: 'main' },
    iteration: 1,
    trace_id: pending.trace_id,
    created_at: pending.created_at,
  });
  assert.match(pending.trace_id, /^[0-9a-f]{32}$/);
  const run = await drive.claim();
  assert.equal((await api.call('GET', path(id))).json.status, 'cloning');
  await drive.start(run);
  assert.equal((await api.call('GET', path(id))).json.status, 'running');
  await drive.finish(run, { patch: 'diff --git a/x b/x\n' });
  const done = (await api.call('GET', path(id))).json;
  assert.deepEqual(done, {
    ...pending,
    status: 'completed',
    result: 'All green.',
    changes_summary: {
      files_modified: 3,
      files_created: 1,
      files_deleted: 0,
      diff_stats: '+142 -38',
    },
    usage: { input_tokens: 0, output_tokens: 0, duration_seconds: 120 },
    started_at: done.started_at,
    finished_at: done.finished_at,
  });
  assert.ok(Date.parse(done.finished_at) >= Date.parse(done.started_at));
});

test('what a task cost is told with the task, and not in lists', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  await drive.spend(run, { inputTokens: 1_500, outputTokens: 500, microdollars: 420_000 });
  await drive.spend(run, { cacheReadTokens: 9_000, cacheWriteTokens: 70, microdollars: 1 });
  const usage = {
    input_tokens: 1_500,
    output_tokens: 500,
    duration_seconds: 0,
    cache_read_tokens: 9_000,
    cache_write_tokens: 70,
    cost_usd: 0.420_001,
  };
  assert.deepEqual((await api.call('GET', path(id))).json.usage, usage);
  await drive.finish(run);
  const { json } = await api.call('GET', path(id, '?include=iterations'));
  assert.deepEqual(json.usage, { ...usage, duration_seconds: 120 });
  assert.deepEqual(json.iterations[0].usage, { ...usage, duration_seconds: 120 });
  assert.ok(!('usage' in (await api.call('GET', '/api/v1/tasks')).json.tasks[0]));
});

test('of a result the history keeps 2,000 characters, the task all', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { result: 'ü'.repeat(5_000) });
  const { json } = await api.call('GET', path(id, '?include=iterations'));
  assert.equal(json.result, 'ü'.repeat(5_000));
  assert.equal(json.iterations[0].result, 'ü'.repeat(2_000));
});

test('the iteration history comes when it is asked for', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  assert.deepEqual((await api.call('GET', path(id, '?include=iterations'))).json.iterations, []);
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run);
  const { json } = await api.call('GET', path(id, '?include=iterations'));
  assert.deepEqual(json.iterations, [
    {
      number: 1,
      prompt: smallestTask.prompt,
      result: 'All green.',
      status: 'completed',
      usage: { input_tokens: 0, output_tokens: 0, duration_seconds: 120 },
      started_at: json.started_at,
      ended_at: json.finished_at,
    },
  ]);
});

test('a failed task says why, a cancelled one reads failed with `canceled by user`', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const failed = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  const failure = {
    code: 'agent_failed',
    phase: 'agent',
    retryable: false,
    message: 'CLI execution failed: exit code 3',
  } as const;
  await drive.fail(run, failure);
  const one = (await api.call('GET', path(failed))).json;
  assert.equal(one.status, 'failed');
  assert.equal(one.error, 'CLI execution failed: exit code 3');
  assert.deepEqual(one.failure, failure);
  const cancelled = await api.create();
  await api.call('POST', path(cancelled, '/cancel'), { body: { queued: true } });
  const two = (await api.call('GET', path(cancelled))).json;
  assert.equal(two.status, 'failed');
  assert.equal(two.error, 'canceled by user');
  assert.equal((await api.call('GET', '/api/v1/tasks?status=failed')).json.total, 2);
});

test('a task is found by its UUID, task-UUID and number; anything else is 404', async (t) => {
  const { call, create } = await testApi(t);
  const id = await create();
  for (const name of [id, id.toUpperCase(), `task-${id}`, '1']) {
    assert.equal((await call('GET', path(name))).json.id, id, name);
  }
  const unknown = [
    '77a2ffbd-11b6-4654-9325-89306d55bc89',
    'task-77a2ffbd-11b6-4654-9325-89306d55bc89',
    '2',
    '0',
    '-1',
    '01',
    '1.0',
    '1e0',
    '99999999999999999999',
    `${id}x`,
    id.slice(0, -1),
    `task_${id}`,
    'abc',
    '%00',
    '%F0%9F%99%82',
    '%zz',
    '%2e%2e%2f',
    "1'--",
    'x'.repeat(5_000),
  ];
  const routes: readonly (readonly [Method, string])[] = [
    ['GET', ''],
    ['GET', '/diff'],
    ['GET', '/stream'],
    ['POST', '/cancel'],
    ['GET', '/approvals'],
    ['GET', '?include=iterations'],
  ];
  for (const name of unknown) {
    for (const [method, rest] of routes) {
      const answer = await call(method, path(name, rest));
      assert.equal(answer.status, 404, `${method} ${name.slice(0, 60)}${rest}`);
      assert.equal(answer.json.error, 'Not Found');
    }
  }
});

test('to a stranger a task does not exist, on any route', async (t) => {
  const { call, create } = await testApi(t);
  const id = await create();
  const routes: readonly (readonly [Method, string])[] = [
    ['GET', path(id)],
    ['GET', path('1')],
    ['GET', path(id, '?include=iterations')],
    ['GET', path(id, '/diff')],
    ['GET', path(id, '/stream')],
    ['POST', path(id, '/cancel')],
    ['GET', path(id, '/approvals')],
  ];
  for (const [method, route] of routes) {
    const answer = await call(method, route, {
      token: strangerToken,
      body: method === 'POST' ? { queued: true } : undefined,
    });
    assert.equal(answer.status, 404, route);
    assert.deepEqual(answer.json, { error: 'Not Found', message: 'task not found' });
  }
  assert.deepEqual((await call('GET', '/api/v1/tasks', { token: strangerToken })).json, {
    tasks: [],
    total: 0,
  });
  assert.equal((await call('GET', path(id))).json.status, 'pending');
});

test('an administrator sees the tasks of others', async (t) => {
  const { call } = await testApi(t);
  const { json } = await call('POST', '/api/v1/tasks', { body: smallestTask, token: strangerToken });
  assert.equal((await call('GET', path(json.id))).status, 200);
  assert.equal((await call('GET', path(json.id), { token: strangerToken })).status, 200);
});

test('list rows carry every documented field, newest first', async (t) => {
  const { call, create } = await testApi(t);
  const first = await create();
  const second = await create();
  const { json } = await call('GET', '/api/v1/tasks');
  assert.equal(json.total, 2);
  assert.deepEqual(
    json.tasks.map((task: { id: string }) => task.id),
    [second, first],
  );
  assert.deepEqual(json.tasks[1], {
    id: first,
    status: 'pending',
    task_type: 'code',
    repo_url: smallestTask.repo_url,
    prompt: smallestTask.prompt,
    iteration: 1,
    error: '',
    branch: '',
    pr_url: '',
    changes_summary: null,
    created_at: json.tasks[1].created_at,
    started_at: null,
    finished_at: null,
  });
});

test('prompts in lists are cut to 200 characters, between characters', async (t) => {
  const { call, create } = await testApi(t);
  const promptOf = async (prompt: string): Promise<string> => {
    await create({ prompt });
    return (await call('GET', '/api/v1/tasks?limit=1')).json.tasks[0].prompt;
  };
  assert.equal(await promptOf('x'.repeat(200)), 'x'.repeat(200));
  assert.equal(await promptOf('x'.repeat(201)), `${'x'.repeat(200)}...`);
  assert.equal(await promptOf('🙂'.repeat(300)), `${'🙂'.repeat(200)}...`);
});

test('limit and offset page through the list and are moved into their range', async (t) => {
  const { call, create } = await testApi(t);
  const ids: string[] = [];
  for (let count = 0; count < 52; count += 1) ids.unshift(await create());
  const page = async (query: string): Promise<string[]> => {
    const { status, json } = await call('GET', `/api/v1/tasks?${query}`);
    assert.equal(status, 200, query);
    assert.equal(json.total, 52);
    return json.tasks.map((task: { id: string }) => task.id);
  };
  assert.deepEqual(await page(''), ids.slice(0, 50));
  assert.deepEqual(await page('limit=&offset=&status='), ids.slice(0, 50));
  assert.deepEqual(await page('limit=10&offset=45'), ids.slice(45));
  assert.deepEqual(await page('limit=1000'), ids);
  assert.deepEqual(await page('limit=99999999999999999999999'), ids);
  assert.deepEqual(await page('limit=0'), ids.slice(0, 1));
  assert.deepEqual(await page('limit=-3&offset=-3'), ids.slice(0, 1));
  assert.deepEqual(await page('offset=99999999999999999999999'), []);
  for (const query of ['limit=abc', 'limit=1.5', 'offset=1e3', 'limit=1&limit=2', 'limit=%00']) {
    const answer = await call('GET', `/api/v1/tasks?${query}`);
    assert.equal(answer.status, 400, query);
    assert.ok(answer.json.fields[query.split('=')[0] ?? ''], query);
  }
});

test('the status filter speaks this window’s words; an unknown one finds nothing', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const cloning = await api.create();
  await drive.claim();
  const running = await api.create();
  await drive.start(await drive.claim());
  const pending = await api.create();
  const list = async (status: string): Promise<string[]> => {
    const { json } = await api.call('GET', `/api/v1/tasks?status=${status}`);
    assert.equal(json.total, json.tasks.length);
    return json.tasks.map((task: { id: string }) => task.id);
  };
  assert.deepEqual(await list('pending'), [pending]);
  assert.deepEqual(await list('cloning'), [cloning]);
  assert.deepEqual(await list('running'), [running]);
  assert.deepEqual(await list('completed'), []);
  for (const unknown of ['dancing', 'cancelled', 'draft', 'PENDING', 'toString', '%00', "'"]) {
    assert.deepEqual(await list(unknown), [], unknown);
  }
});

test('the diff is the patch as text, and 404 while there is none', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const early = await api.call('GET', path(id, '/diff'));
  assert.equal(early.status, 404);
  assert.equal(early.json.message, 'the task has no changes (yet)');
  const run = await drive.claim();
  await drive.start(run);
  const patch = `diff --git a/x b/x\n+${'ü'.repeat(200_000)}\n`;
  await drive.finish(run, { patch });
  const diff = await api.call('GET', path(id, '/diff'));
  assert.equal(diff.status, 200);
  assert.equal(diff.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(diff.headers['x-content-type-options'], 'nosniff');
  assert.ok(diff.text === patch);
  const blob = await api.database.kysely
    .selectFrom('tasks')
    .select('patch_blob_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  await rm(api.blobs.path(String(blob.patch_blob_id)));
  assert.equal((await api.call('GET', path(id, '/diff'))).status, 404);
});

test('cancel is taken while a run is under way, and answers as documented', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  for (const step of ['cloning', 'running']) {
    const answer = await api.call('POST', path(id, '/cancel'));
    assert.equal(answer.status, 200, step);
    assert.deepEqual(answer.json, {
      id,
      status: 'canceling',
      message: 'task cancellation requested',
    });
    if (step === 'cloning') await drive.start(run);
  }
  await drive.cancel(run);
  assert.equal((await api.call('GET', path(id))).json.error, 'canceled by user');
});

test('cancel is 409 with the status in this window’s words where nothing runs', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const refuse = async (status: string, body?: object): Promise<void> => {
    const answer = await api.call('POST', path(id, '/cancel'), { body });
    assert.equal(answer.status, 409);
    assert.deepEqual(answer.json, {
      error: 'Conflict',
      message: `task is not running (status: ${status})`,
    });
  };
  await refuse('pending');
  await refuse('pending', { queued: false });
  await refuse('pending', { queued: null });
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'x', push: 'slipway/work' });
  await refuse('creating_pr', { queued: true });
  await drive.deliver();
  await refuse('completed');
  const cancelled = await api.create();
  assert.equal((await api.call('POST', path(cancelled, '/cancel'), { body: { queued: true } })).status, 200);
  const again = await api.call('POST', path(cancelled, '/cancel'), { body: { queued: true } });
  assert.equal(again.json.message, 'task is not running (status: failed)');
});

test('a wrong body of cancel is 400 before the task is looked for', async (t) => {
  const { call } = await testApi(t);
  const answer = await call('POST', path('nowhere', '/cancel'), { body: { queued: 'yes' } });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.json.fields, { queued: 'must be a boolean' });
});
