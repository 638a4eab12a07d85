import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driveTasks } from '../codeforge/drive-task.ts';
import { codebotApi, smallestSubmission } from './codebot-api.ts';

test('where the queue is full a submission is put off, others are not, and there is room when one is taken', async (t) => {
  const api = await codebotApi(t, { http: { codebotQueueSize: 2 } });
  const drive = await driveTasks(api);
  const keyed = { 'idempotency-key': 'once' };
  const first = await api.submit(smallestSubmission, keyed);
  await api.submitted();
  const full = await api.submit();
  assert.equal(full.status, 503);
  assert.ok(Number(full.headers['retry-after']) > 0);
  assert.deepEqual(full.json, { error: 'Service Unavailable', message: 'the queue is full: 2 tasks wait' });
  const again = await api.submit(smallestSubmission, keyed);
  assert.deepEqual([again.status, again.json.task_id], [202, first.json.task_id]);
  const other = await api.submit({ ...smallestSubmission, description: 'other' }, keyed);
  assert.equal(other.status, 409);
  await api.create();
  await api.create({ task_type: 'review' });
  await drive.claim();
  assert.equal((await api.submit()).status, 503);
  await drive.claim();
  assert.equal((await api.submit()).status, 202);
  assert.equal((await api.submit()).status, 503);
});

test('fifty at once fill the queue to its limit exactly, and one key of them makes one task', async (t) => {
  const api = await codebotApi(t, { http: { codebotQueueSize: 20 } });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      api.submit(smallestSubmission, index % 10 === 0 ? { 'idempotency-key': 'one' } : {}),
    ),
  );
  const taken = answers.filter(({ status }) => status === 202);
  assert.ok(answers.every(({ status }) => status === 202 || status === 503));
  assert.equal(new Set(taken.map(({ json }) => json.task_id)).size, 20);
  const keyed = answers.filter((_, index) => index % 10 === 0);
  assert.equal(new Set(keyed.map(({ json }) => json.task_id)).size, 1);
  assert.equal((await api.list()).json.count, 20);
});
