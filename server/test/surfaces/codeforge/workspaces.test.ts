import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { ClaimedRun } from '../../../src/store/claim-run.ts';
import { driveTasks } from './drive-task.ts';
import { strangerToken, testApi, type TestApi } from './test-api.ts';

const path = '/api/v1/workspaces';
const toTheSecond = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u;

/** As a worker that measured the folder. */
async function keepSize({ database }: TestApi, { workspaceId }: ClaimedRun, bytes: number): Promise<void> {
  await database.kysely
    .updateTable('workspaces')
    .set({ disk_bytes: bytes, measured_at: sql`now()` })
    .where('id', '=', workspaceId)
    .execute();
}

test('workspaces are listed with size, times and what their task is at, and deleted when nobody needs them', async (t) => {
  const api = await testApi(t);
  const { call, create } = api;
  const drive = await driveTasks(api);
  const empty = { workspaces: [], total_size_mb: 0, total_count: 0 };
  assert.deepEqual((await call('GET', path)).json, empty);

  // Neither begun nor claimed is on any disk.
  const first = await create();
  assert.deepEqual((await call('GET', path)).json, empty);
  assert.equal((await call('DELETE', `${path}/${first}`)).status, 404);
  const run = await drive.claim();
  const cloning = await call('DELETE', `${path}/${first}`);
  assert.equal(cloning.status, 409);
  assert.equal(cloning.json.message, 'task is currently cloning, cannot delete its workspace');

  await drive.start(run);
  const [working] = (await call('GET', path)).json.workspaces;
  assert.deepEqual([working.task_id, working.size_mb, working.task_status], [first, 0, 'running']);
  assert.equal((await call('DELETE', `${path}/${first}`)).status, 409);
  await drive.finish(run);
  await keepSize(api, run, 45_249_000);
  const { json } = await call('GET', path);
  const [row] = json.workspaces;
  assert.deepEqual(json, {
    workspaces: [
      {
        task_id: first,
        size_mb: 45.2,
        created_at: row.created_at,
        expires_at: row.expires_at,
        task_status: 'completed',
      },
    ],
    total_size_mb: 45.2,
    total_count: 1,
  });
  assert.match(row.created_at, toTheSecond);
  assert.match(row.expires_at, toTheSecond);
  const days = (Date.parse(row.expires_at) - Date.parse(row.created_at)) / 86_400_000;
  assert.ok(days >= 7 && days < 7.01, String(days));

  const woken: string[] = [];
  api.wakeups.listen((wake) => woken.push(`${wake.topic} ${wake.id}`));
  const deleted = await call('DELETE', `${path}/${first}`);
  assert.deepEqual([deleted.status, deleted.json], [200, { message: 'workspace deleted' }]);
  assert.deepEqual(woken, [`workspace ${run.workspaceId}`]);
  assert.deepEqual((await call('GET', path)).json, empty);
  assert.equal((await call('DELETE', `${path}/${first}`)).status, 404);

  // What was made there is still there to be followed up, and the workspace is back then.
  assert.equal(
    (await call('POST', `/api/v1/tasks/${first}/instruct`, { body: { prompt: 'More' } })).status,
    200,
  );
  const next = await drive.claim('follow_ups');
  assert.deepEqual([next.taskId, next.treeWorkerId], [first, null]);
  await drive.start(next);
  assert.equal((await call('GET', path)).json.total_count, 1);
  await drive.finish(next);
  await keepSize(api, next, 50_000);

  // A page, and the totals of all.
  const second = await create();
  const other = await drive.claim();
  await drive.start(other);
  await drive.finish(other);
  await keepSize(api, other, 1_000_000);
  const page = (await call('GET', `${path}?limit=1&offset=1`)).json;
  assert.deepEqual(
    page.workspaces.map((one: { task_id: string }) => one.task_id),
    [first],
  );
  assert.deepEqual([page.total_count, page.total_size_mb], [2, 1.1]);
  assert.equal((await call('GET', `${path}?limit=x`)).status, 400);

  // None of it is anybody else's business, and no other id is any more.
  const foreign = { token: strangerToken };
  assert.deepEqual((await call('GET', path, foreign)).json, empty);
  for (const id of [second, '7', 'x', '4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10']) {
    const answer = await call('DELETE', `${path}/${id}`, foreign);
    assert.deepEqual([answer.status, answer.json.message], [404, 'workspace not found'], id);
  }
  assert.equal((await call('DELETE', `${path}/${other.taskId}`)).status, 200);
});

test('a task that waits for a person, is reviewed or is being published keeps its workspace', async (t) => {
  const api = await testApi(t);
  const { call, create } = api;
  const drive = await driveTasks(api);
  const refusal = async (id: string): Promise<string> => {
    const answer = await call('DELETE', `${path}/${id}`);
    assert.equal(answer.status, 409, answer.text);
    return answer.json.message;
  };

  const asking = await create();
  const run = await drive.claim();
  await drive.start(run);
  await drive.ask(run);
  assert.match(await refusal(asking), /currently running/u);
  await drive.park(run);
  assert.match(await refusal(asking), /currently running/u);

  const reviewed = await create();
  const work = await drive.claim();
  await drive.start(work);
  await drive.finish(work);
  assert.equal((await call('POST', `/api/v1/tasks/${reviewed}/review`)).status, 202);
  assert.equal(await refusal(reviewed), 'task is currently reviewing, cannot delete its workspace');

  const published = await create({ publish: 'branch' });
  const pushed = await drive.claim();
  await drive.start(pushed);
  await drive.finish(pushed, { patch: 'diff', push: 'codeforge/x' });
  assert.equal(await refusal(published), 'task is currently creating_pr, cannot delete its workspace');
  await drive.deliver();
  assert.equal((await call('DELETE', `${path}/${published}`)).status, 200);
});
