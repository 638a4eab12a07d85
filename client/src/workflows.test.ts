import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, json, sse, startStandIn, type Seen } from '../test/stand-in.ts';
import { createClient, type Client } from './client.ts';
import { ApiError, ConnectionError } from './errors.ts';
import type { WorkflowStreamEvent } from './workflow-event.ts';

const clientOf = (baseUrl: string): Client =>
  createClient({ baseUrl, token: 'secret', timing: { backoffFirstMs: 1, backoffMaxMs: 2 } });

const asked = (seen: readonly Seen[]): readonly string[] =>
  seen.map(({ method, url, body }) => `${method} ${url} ${body}`.trim());

const connected = 'event: connected\ndata: {"run_id":"r","status":"running"}\n\n';
const done = 'event: done\ndata: {"run_id":"r","status":"failed","error":"fix_it: no space left"}\n\n';

const input = {
  name: 'mine',
  steps: [{ name: 'fetch_data', type: 'fetch', config: { url: 'https://example.com/data' } }],
} as const;

test('a workflow is created once, and run once, each under a key of its own', async (t) => {
  const created = { name: 'mine', message: 'workflow created' };
  const started = {
    run_id: 'r',
    workflow_name: 'mine',
    status: 'pending',
    created_at: '2026-02-26T18:38:10.277Z',
  };
  const { url, seen } = await startStandIn(
    t,
    (response) => response.destroy(),
    json(201, created),
    (response) => response.destroy(),
    json(201, started),
  );
  const { workflows } = clientOf(url);
  assert.deepEqual(await workflows.create(input), created);
  assert.deepEqual(await workflows.run('mine', { item_id: 7 }), started);
  await workflows.run('mine', undefined, { idempotencyKey: 'this one' });
  const keys = seen.map(({ headers }) => headers['idempotency-key']);
  assert.deepEqual([keys[1], keys[3], keys[4]], [keys[0], keys[2], 'this one']);
  assert.notEqual(keys[0], keys[2]);
  assert.deepEqual(JSON.parse(seen[1]?.body ?? ''), input);
  assert.deepEqual(asked(seen.slice(3)), [
    'POST /api/v1/workflows/mine/run {"params":{"item_id":7}}',
    'POST /api/v1/workflows/mine/run {"params":{}}',
  ]);
});

test('workflows are listed and shown, and deleted without a second try', async (t) => {
  const { url, seen } = await startStandIn(
    t,
    json(200, { workflows: [] }),
    json(200, { name: 'a name' }),
    (response) => response.destroy(),
  );
  const { workflows } = clientOf(url);
  assert.deepEqual(await workflows.list(), { workflows: [] });
  await workflows.get('a name');
  await assert.rejects(workflows.delete('a name'), ConnectionError, 'whether it is gone is not known');
  await assert.rejects(async () => workflows.get('..'), TypeError);
  assert.deepEqual(asked(seen), [
    'GET /api/v1/workflows',
    'GET /api/v1/workflows/a%20name',
    'DELETE /api/v1/workflows/a%20name',
  ]);
});

test('runs are listed by what is asked for, shown, and cancelled once', async (t) => {
  const message = 'workflow run is not running (status: completed)';
  const { url, seen } = await startStandIn(
    t,
    json(200, { runs: [], total: 0 }),
    json(200, { id: 'r' }),
    json(200, { status: 'canceling', message: 'workflow run cancellation requested' }),
    json(409, { error: 'Conflict', message }),
    json(200, { canceled: 2, message: '2 workflow runs canceled' }),
  );
  const { runs } = clientOf(url).workflows;
  await runs.list({ workflow: 'mine', status: 'running', limit: 5, offset: 10 });
  await runs.get('r');
  assert.equal((await runs.cancel('r')).status, 'canceling');
  await assert.rejects(runs.cancel('r'), ApiError);
  assert.equal((await runs.cancelAll('mine')).canceled, 2);
  assert.deepEqual(asked(seen), [
    'GET /api/v1/workflow-runs?workflow=mine&status=running&limit=5&offset=10',
    'GET /api/v1/workflow-runs/r',
    'POST /api/v1/workflow-runs/r/cancel',
    'POST /api/v1/workflow-runs/r/cancel',
    'POST /api/v1/workflow-runs/cancel-all?workflow=mine',
  ]);
});

async function collect(stream: AsyncIterable<WorkflowStreamEvent>): Promise<readonly string[]> {
  const told: string[] = [];
  for await (const news of stream) {
    if (news.kind === 'event') told.push(`${news.id ?? '-'} ${news.event.event}`);
    else told.push(news.kind === 'done' ? `done ${news.status} ${news.error ?? ''}` : news.kind);
  }
  return told;
}

test("a run's stream resumes after a cut as a task's does, and ends with why it failed", async (t) => {
  const second = frame(4, 'step_failed', { step: 'fix_it', error: 'no space left' });
  const { url, seen } = await startStandIn(
    t,
    sse(connected + frame(2, 'workflow_started') + second.slice(0, -5), 'cut'),
    sse(connected + second + done),
  );
  const stream = clientOf(url).workflows.runs.stream('r', { lastEventId: '1' });
  assert.deepEqual(
    await collect(stream),
    'connected|2 workflow_started|interrupted|connected|4 step_failed|done failed fix_it: no space left'.split(
      '|',
    ),
  );
  assert.deepEqual(
    seen.map(({ url: path, headers }) => [path, headers['last-event-id']]),
    [
      ['/api/v1/workflow-runs/r/stream', '1'],
      ['/api/v1/workflow-runs/r/stream', '2'],
    ],
  );
});

test('waiting for a run follows it to its end and returns it', async (t) => {
  const { url } = await startStandIn(t, (response, { url }) => {
    if (url.endsWith('/stream')) sse(connected + frame(1, 'workflow_started') + done)(response);
    else json(200, { id: 'r', status: 'failed' })(response);
  });
  assert.equal((await clientOf(url).workflows.runs.wait('r')).status, 'failed');
});
