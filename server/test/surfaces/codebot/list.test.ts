import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { driveTasks } from '../codeforge/drive-task.ts';
import { codebotApi } from './codebot-api.ts';

test('a list has the newest first, as many as are asked for, and beginnings of descriptions', async (t) => {
  const api = await codebotApi(t);
  const emoji = '🦀'.repeat(101);
  const ids = [];
  for (const description of ['x'.repeat(100), emoji, 'third'])
    ids.unshift(await api.submitted({ description }));
  const { json } = await api.list();
  assert.equal(json.count, 3);
  assert.deepEqual(
    json.tasks.map((task: { id: string; description: string }) => [task.id, task.description]),
    [
      [ids[0], 'third'],
      [ids[1], `${'🦀'.repeat(100)}...`],
      [ids[2], 'x'.repeat(100)],
    ],
  );
  assert.equal((await api.status(ids[1] ?? '')).json.description, emoji);
  const two = await api.list('?limit=2&status=pending');
  assert.deepEqual([two.json.count, two.json.tasks[1].id], [2, ids[1]]);
  assert.equal((await api.list('?limit=1000')).json.count, 3);
});

test('a limit that is none, and a state that is none of the four, are 400', async (t) => {
  const api = await codebotApi(t);
  for (const limit of [
    'limit=0',
    'limit=-1',
    'limit=1001',
    'limit=abc',
    'limit=',
    'limit=1.5',
    'limit=1&limit=2',
  ]) {
    const { status, json } = await api.list(`?${limit}`);
    const message = 'limit must be between 1 and 1000';
    assert.deepEqual([status, json], [400, { error: 'Bad Request', message }], limit);
  }
  for (const state of [
    'status=',
    'status=done',
    'status=pr_created',
    'status=PENDING',
    'status=failed&status=pending',
  ]) {
    const { status, json } = await api.list(`?${state}`);
    const message = 'status must be one of pending, running, completed, failed';
    assert.deepEqual([status, json], [400, { error: 'Bad Request', message }], state);
  }
});

test('of what was submitted here, what has ended long ago is gone from here, and from nowhere else', async (t) => {
  const api = await codebotApi(t, { http: { codebotRetentionMs: 60_000 } });
  const drive = await driveTasks(api);
  const end = async (id: string): Promise<string> => {
    const run = await drive.claim();
    assert.equal(run.taskId, id);
    await drive.start(run);
    await drive.finish(run);
    return id;
  };
  const old = await end(await api.submitted());
  const fresh = await end(await api.submitted());
  const body = {
    repo_url: 'https://git.example.com/ada/engine.git',
    prompt: 'x',
    config: { cli: 'script', command: 'true' },
  };
  const { json: created } = await api.call('POST', '/api/v1/tasks', { token: api.key, body });
  const native = await end(created.id);
  const waiting = await api.submitted();
  await sql`update tasks set finished_at = finished_at - interval '61 seconds' where id in (${old}, ${native})`.execute(
    api.database.kysely,
  );
  const { json } = await api.list();
  assert.deepEqual(
    json.tasks.map((task: { id: string }) => task.id),
    [waiting, native, fresh],
  );
  const gone = await api.status(old);
  assert.deepEqual([gone.status, gone.json.message], [404, `Task ${old} not found`]);
  assert.equal((await api.status(native)).status, 200);
  assert.equal((await api.call('GET', `/api/v1/tasks/${old}`, { token: api.key })).json.status, 'completed');
  // Whoever takes it up again has it again.
  const again = await api.call('POST', `/api/v1/tasks/${old}/instruct`, {
    token: api.key,
    body: { prompt: 'go on' },
  });
  assert.equal(again.status, 200);
  assert.equal((await api.status(old)).json.status, 'running');
});

test('the tree is told while it lies on a disk, and the tests once they are over', async (t) => {
  const api = await codebotApi(t);
  const drive = await driveTasks(api);
  const id = await api.submitted({ test_command: 'npm test' });
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'diff' });
  const outcome = {
    command: 'npm test',
    passed: false,
    exitCode: 1,
    reason: 'exit code 1',
    output: 'not ok',
    durationSeconds: 2.5,
    commit: 'c0ffee',
  };
  await api.database.transaction(async (tx) => {
    await sql`update workers set workspaces_folder = '/data/workspaces'`.execute(tx);
    await sql`update workspaces set worker_id = (select id from workers limit 1)`.execute(tx);
    await sql`update tasks set tests = ${JSON.stringify(outcome)}`.execute(tx);
  });
  const { json } = await api.status(id);
  assert.equal(json.result.work_dir, `/data/workspaces/${run.workspaceId}/tree`);
  assert.deepEqual(json.tests, {
    command: 'npm test',
    passed: false,
    exit_code: 1,
    reason: 'exit code 1',
    output: 'not ok',
    duration_seconds: 2.5,
  });
});
