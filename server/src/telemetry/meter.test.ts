import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrometheusText, valueOf } from '../../test/support/prometheus-text.ts';
import { createMeter, type ScrapedMeter } from './meter.ts';

async function scrape(meter: ScrapedMeter) {
  const { contentType, text } = await meter.scrape();
  assert.match(contentType, /^text\/plain; version=0\.0\.4/u);
  return parsePrometheusText(text);
}

test('what is counted and observed can be scraped, with whatever stands in a label', async () => {
  const meter = createMeter();
  const count = meter.counter({ name: 'made_total', help: 'Made.', labels: ['kind'] });
  const observe = meter.histogram({ name: 'took_seconds', help: 'Took.', buckets: [1, 2] });
  count({ kind: 'a "quoted"\\\n' });
  count({ kind: 'plain' }, 3);
  observe({}, 1.5);
  observe({}, 9);
  const metrics = await scrape(meter);
  assert.equal(valueOf(metrics, 'made_total'), 4);
  assert.equal(valueOf(metrics, 'made_total', { kind: 'plain' }), 3);
  assert.equal(valueOf(metrics, 'took_seconds_bucket', { le: '1' }), 0);
  assert.equal(valueOf(metrics, 'took_seconds_bucket', { le: '2' }), 1);
  assert.equal(valueOf(metrics, 'took_seconds_count'), 2);
});

test('two rooms that count under one name count together', async () => {
  const meter = createMeter();
  const about = { name: 'ended_total', help: 'Ended.', labels: ['outcome'] } as const;
  meter.counter(about)({ outcome: 'lost' });
  meter.counter(about)({ outcome: 'lost' });
  assert.equal(valueOf(await scrape(meter), 'ended_total', { outcome: 'lost' }), 2);
});

for (const type of ['gauge', 'counter'] as const) {
  test(`a ${type} that is watched shows what it reads now, and nothing while it cannot be read`, async () => {
    const meter = createMeter();
    let now: number | 'away' = 5;
    meter.watch({ type, name: 'seen', help: 'Seen.' }, async () => {
      if (now === 'away') throw new Error('away');
      return [{ labels: {}, value: now }];
    });
    meter.watch({ type, name: 'seen_by_state', help: 'Seen.', labels: ['state'] }, () =>
      now === 'away' ? [] : [{ labels: { state: `s${now}` }, value: now }],
    );
    assert.equal(valueOf(await scrape(meter), 'seen'), 5);
    now = 3;
    const later = await scrape(meter);
    assert.equal(valueOf(later, 'seen'), 3);
    assert.deepEqual(later.get('seen_by_state')?.samples, [
      { name: 'seen_by_state', labels: { state: 's3' }, value: 3 },
    ]);
    now = 'away';
    const without = await scrape(meter);
    assert.deepEqual(without.get('seen')?.samples, []);
    assert.deepEqual(without.get('seen_by_state')?.samples, []);
  });
}

test('two meters share nothing but the process', async () => {
  const [one, two] = [createMeter(), createMeter()];
  one.counter({ name: 'mine_total', help: 'Mine.' })({});
  assert.equal(valueOf(await scrape(one), 'mine_total'), 1);
  assert.equal((await scrape(two)).has('mine_total'), false);
  assert.ok((valueOf(await scrape(two), 'process_resident_memory_bytes') ?? 0) > 1_000_000);
});
