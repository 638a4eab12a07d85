import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testApi } from '../test-api.ts';
import type { Enter, Json } from './stage.ts';

const path = '/api/v1/tasks';
const idsOf = (json: Json): readonly string[] => json.tasks.map(({ id }: Json) => id);

export function listTasksChapter(enter: Enter): void {
  describe('Tasks: List Tasks', () => {
    test('tasks are listed newest first, with how many there are', async (t) => {
      const { call, create } = await testApi(t);
      const ids = [await create(), await create(), await create()];
      const { status, json } = await call('GET', path);
      assert.equal(status, 200);
      assert.deepEqual([idsOf(json), json.total], [ids.toReversed(), 3]);
    });

    test('a row has every documented field, empty ones too', async () => {
      const { call, submit } = await enter();
      const id = await submit();
      const { json } = await call('GET', path);
      const row = json.tasks.find((task: Json) => task.id === id);
      assert.deepEqual(Object.keys(row), [
        'id',
        'status',
        'task_type',
        'repo_url',
        'prompt',
        'iteration',
        'error',
        'branch',
        'pr_url',
        'changes_summary',
        'created_at',
        'started_at',
        'finished_at',
      ]);
      assert.deepEqual([row.iteration, row.error, row.branch, row.pr_url], [1, '', '', '']);
    });

    test('the row of finished work has its times and changes', async () => {
      const { call, finished } = await enter();
      const task = await finished();
      const { json } = await call('GET', `${path}?limit=200&status=completed`);
      const row = json.tasks.find(({ id }: Json) => id === task.id);
      for (const name of [
        'repo_url',
        'prompt',
        'changes_summary',
        'created_at',
        'started_at',
        'finished_at',
      ]) {
        assert.deepEqual(row[name], task[name], name);
      }
    });

    test('the row of a failed task has its error', async () => {
      const { call, failed } = await enter();
      const { id, error } = await failed();
      const { json } = await call('GET', `${path}?limit=200&status=failed`);
      assert.equal(json.tasks.find((row: Json) => row.id === id).error, error);
    });

    test('a prompt is cut to 200 characters', async (t) => {
      const { call, create } = await testApi(t);
      await create({ prompt: '🚀'.repeat(201) });
      await create({ prompt: '🚀'.repeat(200) });
      const { json } = await call('GET', path);
      assert.deepEqual(
        json.tasks.map(({ prompt }: Json) => prompt),
        ['🚀'.repeat(200), `${'🚀'.repeat(200)}...`],
      );
    });

    test('status filters, also in total; an unknown one finds nothing', async () => {
      const { call, finished, failed } = await enter();
      await finished();
      await failed();
      for (const status of ['completed', 'failed']) {
        const { json } = await call('GET', `${path}?status=${status}&limit=200`);
        assert.ok(json.total > 0);
        assert.deepEqual([...new Set(json.tasks.map((row: Json) => row.status))], [status]);
        assert.equal(json.total, json.tasks.length);
      }
      assert.deepEqual((await call('GET', `${path}?status=nothing`)).json, { tasks: [], total: 0 });
    });

    test('limit is 50 where none is given, and at most 200', async (t) => {
      const { call, create } = await testApi(t);
      for (let count = 0; count < 201; count += 1) await create();
      for (const [query, length] of [
        ['', 50],
        ['?limit=10', 10],
        ['?limit=200', 200],
        ['?limit=1000', 200],
      ]) {
        const { json } = await call('GET', `${path}${query}`);
        assert.deepEqual([json.tasks.length, json.total], [length, 201], String(query));
      }
    });

    test('offset leaves out the newest, and limit and offset that are no numbers are refused', async (t) => {
      const { call, create } = await testApi(t);
      const ids = [await create(), await create(), await create()];
      assert.deepEqual(idsOf((await call('GET', `${path}?limit=1&offset=1`)).json), [ids[1]]);
      const past = await call('GET', `${path}?offset=10`);
      assert.deepEqual(past.json, { tasks: [], total: 3 });
      for (const name of ['limit', 'offset']) {
        const { status, json } = await call('GET', `${path}?${name}=many`);
        assert.deepEqual([status, json.fields], [400, { [name]: 'must be an integer' }]);
      }
    });
  });
}
