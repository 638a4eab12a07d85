import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrometheusText, valueOf } from '../../support/prometheus-text.ts';
import { until } from '../../support/processes.ts';
import { openStream } from './open-stream.ts';
import { testApi, type TestApi } from './test-api.ts';

async function scrape(api: TestApi) {
  const answer = await api.call('GET', '/metrics', { token: null });
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['content-type']), /^text\/plain; version=0\.0\.4; charset=utf-8/u);
  return { text: answer.text, metrics: parsePrometheusText(answer.text) };
}

test('metrics are open, in the text format, and count requests by pattern, method and class', async (t) => {
  const api = await testApi(t);
  const id = await api.create();
  for (const path of [`/api/v1/tasks/${id}`, `/api/v1/tasks/${id}`, '/api/v1/tasks/not-there']) {
    await api.call('GET', path);
  }
  await api.call('GET', `/no/such/path-${id}?token=in-the-query`);
  const { text, metrics } = await scrape(api);
  const counted = (labels: Record<string, string>) =>
    valueOf(metrics, 'codeforge_http_requests_total', labels);
  assert.equal(counted({ method: 'POST', route: '/api/v1/tasks', status: '2xx' }), 1);
  assert.equal(counted({ method: 'GET', route: '/api/v1/tasks/:id', status: '2xx' }), 2);
  assert.equal(counted({ method: 'GET', route: '/api/v1/tasks/:id', status: '4xx' }), 1);
  assert.equal(counted({ route: 'none', status: '4xx' }), 1);
  const route = '/api/v1/tasks/:id';
  assert.equal(valueOf(metrics, 'slipway_http_request_duration_seconds_count', { route }), 3);
  const seconds = valueOf(metrics, 'slipway_http_request_duration_seconds_sum', { route }) ?? 0;
  assert.ok(seconds > 0 && seconds < 60, `${seconds}`);
  assert.ok(!text.includes(id), 'a task is named');
  assert.ok(!text.includes('in-the-query'), 'a query is repeated');
  assert.ok(!text.includes('git.example.com'), 'a repository is named');
});

test('an open event stream is counted while it is open, and not among the times of answers', async (t) => {
  const api = await testApi(t);
  const id = await api.create();
  const stream = await openStream(t, api, id);
  const open = async () => valueOf((await scrape(api)).metrics, 'slipway_event_streams_open');
  await until('the stream to be counted', async () => (await open()) === 1);
  stream.leave();
  await until('its end to be counted', async () => (await open()) === 0);
  const { metrics } = await scrape(api);
  const route = '/api/v1/tasks/:id/stream';
  await until('the request to be counted', async () => {
    const { metrics: now } = await scrape(api);
    return valueOf(now, 'codeforge_http_requests_total', { route }) === 1;
  });
  assert.equal(valueOf(metrics, 'slipway_http_request_duration_seconds_count', { route }), undefined);
});

test('a trace that a caller is in goes on with the task, and stands in the log', async (t) => {
  const api = await testApi(t);
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const body = {
    repo_url: 'https://git.example.com/a/b.git',
    prompt: 'x',
    config: { cli: 'script', command: 'true' },
  };
  const created = await api.call('POST', '/api/v1/tasks', { body, headers: { traceparent } });
  assert.equal(created.status, 201);
  const task = await api.call('GET', `/api/v1/tasks/${created.json.id}`);
  assert.equal(task.json.trace_id, traceId);
  const lines = api.log.filter((line) => line.includes('"route":"/api/v1/tasks"'));
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).traceId),
    [traceId],
  );
});

test('a trace that is none is ignored: the task gets one of its own', async (t) => {
  const api = await testApi(t);
  const body = {
    repo_url: 'https://git.example.com/a/b.git',
    prompt: 'x',
    config: { cli: 'script', command: 'true' },
  };
  for (const traceparent of ['', 'nonsense', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`]) {
    const created = await api.call('POST', '/api/v1/tasks', { body, headers: { traceparent } });
    assert.equal(created.status, 201);
    const task = await api.call('GET', `/api/v1/tasks/${created.json.id}`);
    assert.match(task.json.trace_id, /^(?!0+$)[0-9a-f]{32}$/u);
  }
});

test('the same submission under one key is the same, in whatever trace it is sent', async (t) => {
  const api = await testApi(t);
  const body = {
    repo_url: 'https://git.example.com/a/b.git',
    prompt: 'x',
    config: { cli: 'script', command: 'true' },
  };
  const send = (digit: string) =>
    api.call('POST', '/api/v1/tasks', {
      body,
      headers: { 'idempotency-key': 'once', traceparent: `00-${digit.repeat(32)}-00f067aa0ba902b7-01` },
    });
  const [first, second] = [await send('a'), await send('b')];
  assert.equal(first.status, 201);
  assert.equal(second.json.id, first.json.id);
});
