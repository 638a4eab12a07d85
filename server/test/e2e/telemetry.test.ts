import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { git } from '../../src/demo/example-repository.ts';
import { parsePrometheusText, valueOf, type ScrapedMetric } from '../support/prometheus-text.ts';
import { until } from '../support/processes.ts';
import { startTraceCollector, type CollectedSpan, type TraceCollector } from '../support/trace-collector.ts';
import { assertDashboard, assertDocumented } from '../support/watched.ts';
import { openHouse, secretToken, smallLimits, type House } from './scenario-house.ts';

/** The trace that the caller is in, and its span. */
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const callerSpan = '00f067aa0ba902b7';
const promptWords = 'words-of-the-prompt-7d1f';
const collectorKey = 'key-of-the-collector-93ab';
const patienceMs = 60_000;

type TaskBody = {
  readonly id: string;
  readonly status: string;
  readonly branch?: string;
  readonly trace_id: string;
};

async function openTracedHouse(collector: TraceCollector): Promise<House> {
  return openHouse({
    settings: {
      ...smallLimits,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${collectorKey}`,
      SLIPWAY_LOG_LEVEL: 'debug',
    },
  });
}

async function request(house: House, path: string, body?: object): Promise<Response> {
  return fetch(new URL(path, house.server().url), {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${house.token}`, traceparent: `00-${traceId}-${callerSpan}-01` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
}

async function submit(house: House, command: string): Promise<string> {
  const answer = await request(house, '/api/v1/tasks', {
    repo_url: `${house.privateForge.url}/sum.git`,
    access_token: secretToken,
    prompt: promptWords,
    publish: 'branch',
    config: { cli: 'script', command },
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  return ((await answer.json()) as TaskBody).id;
}

async function delivered(house: House, id: string): Promise<TaskBody> {
  return until(
    'the task to be delivered',
    async () => {
      const task = (await (await request(house, `/api/v1/tasks/${id}`)).json()) as TaskBody;
      assert.notEqual(task.status, 'failed');
      return task.status === 'completed' ? task : undefined;
    },
    patienceMs,
  );
}

/** The spans of a task's trace that are not those of single requests, the push among them. */
async function traceOf(collector: TraceCollector): Promise<readonly CollectedSpan[]> {
  const isTold = () => collector.spans().some((span) => span.name === 'effect push');
  await until('the last span', isTold, patienceMs);
  return collector.spans().filter((span) => span.traceId === traceId && !span.name.startsWith('GET '));
}

/** Each span with all above it, from the caller's on: `caller > POST /api/v1/tasks > create task`. */
function pathsOf(spans: readonly CollectedSpan[]): readonly string[] {
  const pathOf = (id: string | undefined): string => {
    if (id === callerSpan) return 'caller';
    const span = spans.find((one) => one.spanId === id);
    return span === undefined ? 'unknown' : `${pathOf(span.parentSpanId)} > ${span.name}`;
  };
  return spans.map((span) => pathOf(span.spanId)).sort();
}

const created = 'caller > POST /api/v1/tasks > create task';
const wholeTree = [
  'caller > POST /api/v1/tasks',
  created,
  `${created} > run code`,
  `${created} > run code > collect`,
  `${created} > run code > effect push`,
  `${created} > run code > invoke_agent script`,
  `${created} > run code > prepare`,
  `${created} > run code > wait for a worker`,
];

function assertDiscreet(collector: TraceCollector, house: House): void {
  const sent = collector.bodies();
  for (const secret of [
    secretToken,
    house.token,
    promptWords,
    collectorKey,
    'TRACEPARENT',
    house.privateForge.url,
  ]) {
    assert.ok(!sent.includes(secret), `the spans hold ${secret}`);
    assert.ok(secret === house.token || !house.server().output().includes(secret), `the log holds ${secret}`);
  }
}

test('a task is one trace from the request to its branch; the numbers move with it, and are those that page and dashboard name', async () => {
  await using collector = await startTraceCollector();
  await using house = await openTracedHouse(collector);
  const id = await submit(house, 'printf %s "$TRACEPARENT" > f');
  const task = await delivered(house, id);
  assert.equal(task.trace_id, traceId);
  const spans = await traceOf(collector);
  assert.deepEqual(collector.refused, []);
  assert.deepEqual(pathsOf(spans), wholeTree);
  assert.ok(spans.every((span) => !span.isError && span.service === 'slipway'));
  const run = spans.find((span) => span.name === 'run code');
  assert.equal(run?.attributes['slipway.task.id'], id);
  assert.equal(run.attributes['slipway.run.outcome'], 'succeeded');
  const [post] = spans.filter((span) => span.name === 'POST /api/v1/tasks');
  assert.equal(post?.attributes['http.response.status_code'], 201);
  assert.equal(post.attributes['http.route'], '/api/v1/tasks');
  // What the agent was given leads to its run.
  const branches = await git(join(house.repositories, 'sum.git'), 'branch', '--list', 'codeforge/*');
  const given = await git(join(house.repositories, 'sum.git'), 'show', `${branches.trim()}:f`);
  assert.equal(given, `00-${traceId}-${run.spanId}-01`);
  assertDiscreet(collector, house);
  const metrics = parsePrometheusText(await (await request(house, '/metrics')).text());
  assertMoved(metrics);
  assertDocumented(metrics);
  assertDashboard(metrics);
});

function assertMoved(metrics: ReadonlyMap<string, ScrapedMetric>): void {
  const value = (name: string, labels = {}): number | undefined => valueOf(metrics, name, labels);
  assert.equal(value('slipway_runs_ended_total', { outcome: 'succeeded' }), 1);
  assert.equal(value('slipway_run_wait_seconds_count', { queue: 'tasks' }), 1);
  for (const phase of ['prepare', 'agent', 'collect']) {
    assert.equal(value('slipway_run_phase_duration_seconds_count', { phase }), 1, phase);
  }
  assert.equal(value('slipway_effect_attempts_total', { kind: 'push', result: 'done' }), 1);
  assert.equal(value('slipway_effect_duration_seconds_count', { kind: 'push' }), 1);
  assert.equal(value('slipway_database_up'), 1);
  assert.equal(value('codeforge_tasks_in_progress'), 0);
  assert.equal(value('codeforge_workers_total'), 5);
  assert.equal(value('codeforge_http_requests_total', { method: 'POST', route: '/api/v1/tasks' }), 1);
  assert.ok((value('slipway_events_appended_total') ?? 0) >= 5);
}

test('a run that another process takes up stays in its trace, and nothing of it is there twice', async () => {
  await using collector = await startTraceCollector();
  await using house = await openTracedHouse(collector);
  const id = await submit(
    house,
    'until [ -e go ]; do echo waiting; sleep 0.2; done; rm -f go; echo done > f',
  );
  // What a process had to tell by then is sent before it is killed.
  const isTold = () => collector.spans().some((span) => span.name === 'prepare');
  await until('the preparation to be told', isTold, patienceMs);
  await house.restart('kill');
  for (const workspace of await readdir(join(house.data, 'workspaces'))) {
    await writeFile(join(house.data, 'workspaces', workspace, 'tree/go'), '');
  }
  await delivered(house, id);
  const spans = await traceOf(collector);
  assert.deepEqual(pathsOf(spans), wholeTree);
  const instanceOf = (name: string) => spans.find((span) => span.name === name)?.instance;
  assert.notEqual(instanceOf('prepare'), instanceOf('invoke_agent script'));
  const agent = spans.find((span) => span.name === 'invoke_agent script');
  assert.equal(agent?.attributes['slipway.run.generation'], 2);
  assertDiscreet(collector, house);
});

test('a server whose collector is away works on, and stops in time', async () => {
  const collector = await startTraceCollector();
  await collector.close();
  await using house = await openTracedHouse(collector);
  await delivered(house, await submit(house, 'echo done > f'));
  const began = performance.now();
  await house.server().stop();
  assert.ok(performance.now() - began < 15_000);
  assert.match(house.server().output(), /could not be sent to the collector/u);
});
