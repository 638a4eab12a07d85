import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrometheusText, valueOf } from '../../test/support/prometheus-text.ts';
import { placeOf } from '../lib/traceparent.ts';
import type { SpanEnd, SpanOptions, Tracer } from '../lib/tracer.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { createMeter } from '../telemetry/meter.ts';
import { createRunTelemetry } from './run-telemetry.ts';

type Told = { readonly name: string; readonly options: SpanOptions; readonly end: SpanEnd };

/** A run as telemetry sees it; the rest of it does not matter here. */
function someRun(more: Partial<ClaimedRun> = {}): ClaimedRun {
  const run: Partial<ClaimedRun> = {
    runId: '01890a5d-ac96-774b-bcce-b302099a8057',
    taskId: '7b1d2f0e-4c7a-4d0e-9a51-0d6b6f3f1c22',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    generation: 1,
    kind: 'code',
    queue: 'tasks',
    iteration: 1,
    attempt: 1,
    agent: 'script',
    availableAt: new Date(1_000),
    startedAt: new Date(4_500),
    ...more,
  };
  return run as ClaimedRun;
}

function watched() {
  const told: Told[] = [];
  const tracer: Tracer = {
    isOn: true,
    begin: (name, options = {}) => ({
      place: options.parent,
      end: (end = {}) => void told.push({ name, options, end }),
    }),
  };
  const meter = createMeter();
  const value = async (name: string, labels: Readonly<Record<string, string>> = {}) =>
    valueOf(parsePrometheusText((await meter.scrape()).text), name, labels);
  return { told, value, telemetry: createRunTelemetry({ meter, tracer }) };
}

const explain = (): SpanEnd => ({ error: 'time_limit' });

test('a claim tells how long the run could have begun', async () => {
  const { told, value, telemetry } = watched();
  telemetry.claimed(someRun());
  assert.equal(await value('slipway_run_wait_seconds_sum', { queue: 'tasks' }), 3.5);
  assert.equal(told[0]?.options.at?.getTime(), 1_000);
  assert.equal(told[0].end.at?.getTime(), 4_500);
});

test('a phase that fails passes its error on, and is told by its code alone', async () => {
  const { told, value, telemetry } = watched();
  const run = someRun();
  const broken = new Error('token=secret in a message from outside');
  const work = telemetry.phase(run, 'agent', () => Promise.reject(broken), explain);
  await assert.rejects(work, broken);
  assert.equal(told[0]?.name, 'invoke_agent script');
  assert.deepEqual(told[0].options.parent, placeOf(run.traceId, run.runId));
  assert.deepEqual(told[0].end, { error: 'time_limit' });
  assert.ok(!JSON.stringify(told).includes('secret'));
  assert.equal(await value('slipway_run_phase_duration_seconds_count', { phase: 'agent' }), 1);
});

test('a phase of a run that was taken over has a span, and no time that would be too short', async () => {
  const { told, value, telemetry } = watched();
  assert.equal(await telemetry.phase(someRun({ generation: 2 }), 'collect', async () => 7, explain), 7);
  assert.equal(told.length, 1);
  assert.equal(await value('slipway_run_phase_duration_seconds_count'), undefined);
});

test('the end of a run is counted by its outcome and a failure by its code; its span has the place of the row', async () => {
  const { told, value, telemetry } = watched();
  const run = someRun();
  telemetry.ended(run, 'failed', 'memory_limit');
  telemetry.ended(run, 'parked');
  assert.equal(await value('slipway_runs_ended_total', { outcome: 'failed' }), 1);
  assert.equal(await value('slipway_runs_ended_total', { outcome: 'parked' }), 1);
  assert.equal(await value('slipway_run_failures_total'), 1);
  assert.equal(await value('slipway_run_failures_total', { code: 'memory_limit' }), 1);
  assert.deepEqual(told[0]?.options.place, placeOf(run.traceId, run.runId));
  assert.deepEqual(told[0].options.parent, placeOf(run.traceId, run.taskId));
  assert.deepEqual([told[0].end.error, told[1]?.end.error], ['memory_limit', undefined]);
});
