import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startTraceCollector, type TraceCollector } from '../../test/support/trace-collector.ts';
import { silentLogger } from '../lib/logger.ts';
import { Secret } from '../lib/secret.ts';
import { placeOf } from '../lib/traceparent.ts';
import { createOtlpTracer, type OtlpOptions } from './otlp-tracer.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const rowId = '01890a5d-ac96-774b-bcce-b302099a8057';

async function collector(t: TestContext): Promise<TraceCollector> {
  const started = await startTraceCollector();
  t.after(() => started.close());
  return started;
}

function tracerFor(
  { url }: { readonly url: string },
  more: Partial<OtlpOptions> = {},
  warnings: string[] = [],
) {
  const warn = (fields: object, message: string): void =>
    void warnings.push(JSON.stringify({ ...fields, message }));
  return createOtlpTracer(
    {
      url: `${url}/v1/traces`,
      headers: {},
      serviceName: 'slipway',
      serviceVersion: '1.2.3',
      instanceId: 'here',
      sampler: { kind: 'always_on' },
      ...more,
    },
    { ...silentLogger, warn },
  );
}

test('a span arrives as it was told, below its parent, with what was added at its end', async (t) => {
  const sink = await collector(t);
  const tracer = tracerFor(sink, { headers: { authorization: new Secret('Bearer of-the-collector') } });
  const parent = { traceId, spanId: '00f067aa0ba902b7' };
  const span = tracer.begin('prepare', {
    parent,
    kind: 'consumer',
    attributes: { 'slipway.agent': 'script' },
  });
  span.end({ error: 'time_limit', attributes: { 'slipway.run.attempt': 2 } });
  await tracer.close();
  assert.deepEqual(sink.refused, []);
  const [got] = sink.spans();
  assert.equal(sink.spans().length, 1);
  assert.equal(got?.name, 'prepare');
  assert.equal(got.traceId, traceId);
  assert.equal(got.parentSpanId, parent.spanId);
  assert.equal(got.kind, 5);
  assert.equal(got.isError, true);
  assert.deepEqual(got.attributes, {
    'slipway.agent': 'script',
    'slipway.run.attempt': 2,
    'error.type': 'time_limit',
  });
  assert.equal(got.service, 'slipway');
  assert.deepEqual(span.place, { traceId, spanId: got.spanId });
  assert.equal(sink.headers[0]?.['authorization'], 'Bearer of-the-collector');
});

test('a span takes the place that was chosen for it, and the next one takes none', async (t) => {
  const sink = await collector(t);
  const tracer = tracerFor(sink);
  const place = placeOf(traceId, rowId);
  const root = tracer.begin('create task', { place });
  const other = tracer.begin('another');
  const below = tracer.begin('below', { parent: place });
  for (const span of [root, other, below]) span.end();
  await tracer.close();
  assert.deepEqual(root.place, place);
  const [first, second, third] = sink.spans();
  assert.equal(first?.parentSpanId, undefined);
  assert.notEqual(second?.traceId, traceId);
  assert.notEqual(second?.spanId, place.spanId);
  assert.equal(third?.parentSpanId, place.spanId);
});

test('a span between two clocks that differ does not end before it began', async (t) => {
  const sink = await collector(t);
  const tracer = tracerFor(sink);
  const at = new Date(Date.now() + 60_000);
  tracer.begin('wait', { at }).end({ at: new Date(at.getTime() - 120_000) });
  await tracer.close();
  assert.deepEqual(sink.refused, []);
  assert.equal(sink.spans()[0]?.start, sink.spans()[0]?.end);
});

test('a part of all traces is chosen by the id, so every process chooses alike', async (t) => {
  const sink = await collector(t);
  const options = { sampler: { kind: 'traceidratio', ratio: 0.5 } } as const;
  const [one, two] = [
    tracerFor(sink, { ...options, instanceId: 'one' }),
    tracerFor(sink, { ...options, instanceId: 'two' }),
  ];
  for (let number = 0; number < 64; number += 1) {
    const parent = {
      traceId: number.toString(16).padStart(2, '0').repeat(16).replace(/^0/u, 'f'),
      spanId: 'f'.repeat(16),
    };
    for (const tracer of [one, two]) tracer.begin('work', { parent }).end();
  }
  await Promise.all([one.close(), two.close()]);
  const traces = (instance: string) =>
    sink
      .spans()
      .filter((span) => span.instance === instance)
      .map((span) => span.traceId)
      .sort();
  assert.deepEqual(traces('one'), traces('two'));
  assert.ok(traces('one').length > 0 && traces('one').length < 64, `${traces('one').length} of 64`);
});

test('nothing is sent by a sampler that is off, and places stay places', async (t) => {
  const sink = await collector(t);
  const tracer = tracerFor(sink, { sampler: { kind: 'always_off' } });
  const span = tracer.begin('work', { parent: { traceId, spanId: 'f'.repeat(16) } });
  span.end();
  await tracer.close();
  assert.equal(span.place?.traceId, traceId);
  assert.equal(sink.headers.length, 0);
});

test('a collector that refuses costs a line in the log and nothing else', async (t) => {
  const sink = await collector(t);
  sink.misbehave(400);
  const warnings: string[] = [];
  const tracer = tracerFor(sink, {}, warnings);
  tracer.begin('work').end();
  await tracer.close();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /"spans":1.*could not be sent/u);
});

test('a collector that never answers holds up the end for two seconds, no more', async (t) => {
  const sink = await collector(t);
  sink.misbehave('silent');
  const warnings: string[] = [];
  const tracer = tracerFor(sink, {}, warnings);
  tracer.begin('work').end();
  const began = performance.now();
  await tracer.close();
  const took = performance.now() - began;
  // The exporter alone would wait five.
  assert.ok(took < 4_500, `${Math.round(took)} ms`);
  assert.match(warnings.join('\n'), /could not be sent to the collector in time/u);
});
