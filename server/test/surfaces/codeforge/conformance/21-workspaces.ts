import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../../../support/processes.ts';
import { assertError, script, type Enter, type Json } from './stage.ts';

const path = '/api/v1/workspaces';
const toTheSecond = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u;

export function workspacesChapter(enter: Enter): void {
  describe('Workspaces', () => {
    const listed = async (id: unknown): Promise<Json> => {
      const { call } = await enter();
      const { json } = await call('GET', `${path}?limit=200`);
      return json.workspaces.find((row: Json) => row.task_id === id);
    };

    test('workspaces are listed with their task, size and times, and the size of all', async () => {
      const { call, run } = await enter();
      const { id } = await run({ config: script('head -c 2500000 /dev/urandom > large') });
      const row = await until('its size to be known', async () => {
        const found = await listed(id);
        return found?.size_mb > 2 && found;
      });
      assert.deepEqual(Object.keys(row), ['task_id', 'size_mb', 'created_at', 'expires_at', 'task_status']);
      assert.ok(row.size_mb >= 2.5 && row.size_mb < 10, String(row.size_mb));
      assert.match(row.created_at, toTheSecond);
      assert.match(row.expires_at, toTheSecond);
      assert.ok(row.expires_at > row.created_at);
      assert.equal(row.task_status, 'completed');
      const { json } = await call('GET', `${path}?limit=1`);
      assert.equal(json.workspaces.length, 1);
      assert.ok(json.total_count >= 1 && json.total_size_mb >= row.size_mb);
    });

    test('a workspace is deleted', async () => {
      const { call, run, rest, house } = await enter();
      const { id } = await run({ config: script('echo 1 >> written.txt') });
      const [workspace] = await house.query<{ id: string }>(
        'select workspace_id as id from tasks where id = $1',
        [id],
      );
      const folder = join(house.data, 'workspaces', workspace?.id ?? '');
      assert.ok(existsSync(folder));
      const { status, json } = await call('DELETE', `${path}/${id}`);
      assert.deepEqual([status, json], [200, { message: 'workspace deleted' }]);
      assert.equal(await listed(id), undefined);
      await until('its folder to be gone', () => !existsSync(folder));
      assertError(await call('DELETE', `${path}/${id}`), 404, 'workspace not found');
      // What was made in it is kept: the next instruction goes on from there.
      const instructed = await call('POST', `/api/v1/tasks/${id}/instruct`, { body: { prompt: 'Again' } });
      assert.equal(instructed.status, 200);
      const { status: end, changes_summary: changes } = await rest(id);
      assert.deepEqual([end, changes.files_created, changes.diff_stats], ['completed', 1, '+2 -0']);
    });

    test('the workspace of a task at work cannot be deleted', async () => {
      const { call, submit, rest } = await enter();
      const id = await submit({ config: script('sleep 60') });
      const statusOf = async (): Promise<string> => (await call('GET', `/api/v1/tasks/${id}`)).json.status;
      await until('the agent to work', async () => (await statusOf()) === 'running');
      assert.equal((await listed(id))?.task_status, 'running');
      const refusal = await call('DELETE', `${path}/${id}`);
      assertError(refusal, 409, 'task is currently running, cannot delete its workspace');
      await call('POST', `/api/v1/tasks/${id}/cancel`);
      await rest(id);
      assert.equal((await call('DELETE', `${path}/${id}`)).status, 200);
    });
  });
}
