import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, createClient, type StreamEvent } from '@slipway/client';
import { driveTasks } from './drive-task.ts';
import { adminToken, smallestTask, testApi } from './test-api.ts';

test('our own client and this server understand each other', async (t) => {
  const api = await testApi(t, { http: { streamMaxMs: 300 } });
  const drive = await driveTasks(api);
  const slipway = createClient({ baseUrl: api.url, token: adminToken });
  await assert.rejects(slipway.tasks.create({ ...smallestTask, prompt: '' }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 400);
    assert.deepEqual(error.fields, { prompt: 'field is required' });
    assert.match(error.requestId ?? '', /^[0-9a-f-]{36}$/);
    return true;
  });
  const { id } = await slipway.tasks.create({ ...smallestTask, publish: 'branch' });
  const seen: StreamEvent[] = [];
  const following = (async () => {
    for await (const event of slipway.tasks.stream(id)) seen.push(event);
  })();
  const run = await drive.claim();
  await drive.start(run);
  // Longer than the stream may live: the client has to come back.
  for (let count = 0; count < 20; count += 1) {
    await drive.say(run, `line ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await drive.finish(run, { patch: 'x', push: 'slipway/work' });
  await drive.deliver();
  await following;
  const names = seen.flatMap((one) => (one.kind === 'event' ? [one.event.event] : []));
  assert.deepEqual(names, [
    'clone_started',
    'clone_completed',
    'cli_started',
    ...Array.from({ length: 20 }, () => 'output'),
    'commit_created',
    'task_completed',
    'branch_pushed',
  ]);
  assert.ok(seen.filter((one) => one.kind === 'connected').length > 1, 'the stream was never renewed');
  const last = seen.at(-1);
  assert.deepEqual(last?.kind === 'done' && [last.status, last.changes?.diff_stats], [
    'completed',
    '+142 -38',
  ]);
  const task = await slipway.tasks.get(id);
  assert.equal(task.branch, 'slipway/work');
  assert.equal((await slipway.tasks.list({ status: 'completed' })).total, 1);
});
