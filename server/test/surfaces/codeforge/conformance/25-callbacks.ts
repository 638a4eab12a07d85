import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import type { ReceivedCallback } from '../../../e2e/callback-receiver.ts';
import { until } from '../../../support/processes.ts';
import { callbackSecret, script, type Enter, type Json } from './stage.ts';

export function callbacksChapter(enter: Enter): void {
  describe('Webhook Callbacks', () => {
    /** A task that tells its end, and what it told. */
    const told = async (name: string, more: object): Promise<{ task: Json; callback: ReceivedCallback }> => {
      const { run, receiver } = await enter();
      const task = await run({ callback_url: `${receiver.url}/${name}`, ...more });
      const callback = await until('the callback', () => receiver.received(`/${name}`)[0]);
      return { task, callback };
    };

    test('a completed task is told with its result, changes, usage, trace and time', async () => {
      const { task, callback } = await told('completed', { config: script('echo 1 > told.txt; echo Done.') });
      const body = JSON.parse(callback.body);
      assert.deepEqual(
        [body.task_id, body.status, body.result, body.trace_id, body.finished_at],
        [task.id, 'completed', 'Done.', task.trace_id, task.finished_at],
      );
      assert.deepEqual(body.changes_summary, task.changes_summary);
      assert.deepEqual(Object.keys(body.usage), ['input_tokens', 'output_tokens', 'duration_seconds']);
      assert.ok(!('error' in body));
      assert.equal(callback.headers['x-codeforge-event'], 'task.completed');
    });

    test('a failed task is told with its error', async () => {
      const { task, callback } = await told('failed', { config: script('exit 3') });
      const body = JSON.parse(callback.body);
      assert.deepEqual([body.status, body.error], ['failed', task.error]);
      assert.equal(callback.headers['x-codeforge-event'], 'task.failed');
    });

    test('X-Signature-256 is the HMAC of the body', async () => {
      const { callback } = await told('signed', {});
      const hmac = createHmac('sha256', callbackSecret).update(callback.body).digest('hex');
      assert.equal(callback.headers['x-signature-256'], `sha256=${hmac}`);
    });

    test('X-Trace-ID is the trace of the task', async () => {
      const { task, callback } = await told('traced', {});
      assert.equal(callback.headers['x-trace-id'], task.trace_id);
    });

    test('a finished review is told as task.completed, with what it came to', async () => {
      const { task, callback } = await told('reviewed', {
        task_type: 'review',
        config: script('echo Fine.'),
      });
      assert.equal(callback.headers['x-codeforge-event'], 'task.completed');
      assert.deepEqual(JSON.parse(callback.body).review_result, task.review_result);
    });
  });
}
