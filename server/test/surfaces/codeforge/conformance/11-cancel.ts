import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../../support/processes.ts';
import { assertError, script, type Enter } from './stage.ts';

const path = '/api/v1/tasks';

export function cancelChapter(enter: Enter): void {
  describe('Tasks: Cancel Task', () => {
    /** A task whose agent is at work, for a long time. */
    const atWork = async (): Promise<string> => {
      const { submit, call } = await enter();
      const id = await submit({ config: script('sleep 60') });
      await until('the agent to work', async () => {
        return (await call('GET', `${path}/${id}`)).json.status === 'running';
      });
      return id;
    };

    test('a running task is being cancelled', async () => {
      const { call, rest } = await enter();
      const id = await atWork();
      const { status, json } = await call('POST', `${path}/${id}/cancel`);
      assert.equal(status, 200);
      assert.deepEqual(json, { id, status: 'canceling', message: 'task cancellation requested' });
      await rest(id);
    });

    test('what is stored is never canceling, and in the end failed', async () => {
      const { call, house } = await enter();
      const id = await atWork();
      await call('POST', `${path}/${id}/cancel`);
      const seen = new Set<string>();
      await until('the task to have failed', async () => {
        seen.add((await call('GET', `${path}/${id}`)).json.status);
        return seen.has('failed');
      });
      assert.ok(
        [...seen].every((status) => ['running', 'failed'].includes(status)),
        [...seen].join(),
      );
      assert.equal((await house.client.tasks.get(id)).error, 'canceled by user');
    });

    test('a task that is not there is 404', async () => {
      const { call } = await enter();
      const answer = await call('POST', `${path}/4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10/cancel`);
      assertError(answer, 404, /not found/u);
    });

    test('a task that is not at work is 409, with what it is at', async () => {
      const { call, finished, failed } = await enter();
      for (const { id, status } of [await finished(), await failed()]) {
        const answer = await call('POST', `${path}/${id}/cancel`);
        assertError(answer, 409, `task is not running (status: ${status})`);
      }
    });
  });
}
