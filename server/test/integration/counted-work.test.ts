import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutbox, type EffectHandler } from '../../src/effects/outbox.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { silentTracer } from '../../src/lib/tracer.ts';
import { postponeEffect } from '../../src/store/effects.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import { createMeter } from '../../src/telemetry/meter.ts';
import { createLeaseKeeper } from '../../src/worker/lease-keeper.ts';
import { openTestDatabase } from '../support/database.ts';
import { parsePrometheusText, valueOf } from '../support/prometheus-text.ts';
import { until } from '../support/processes.ts';
import { furnish, storeLiveRun, storeWaitingPush } from '../support/stored-tasks.ts';

test('attempts are counted by the state they leave their effect in, leases as they are renewed', async (t) => {
  const { database, remove } = await openTestDatabase();
  const stage = await furnish(database);
  const meter = createMeter();
  const telemetry = { meter, tracer: silentTracer };
  const value = async (name: string, labels: Readonly<Record<string, string>>) =>
    valueOf(parsePrometheusText((await meter.scrape()).text), name, labels);
  const keeper = createLeaseKeeper(database, silentLogger, telemetry);
  const never: EffectHandler<'pull_request' | 'review' | 'workflow_step' | 'callback'> = () =>
    Promise.resolve();
  let tries = 0;
  const outbox = createOutbox({
    workerId: stage.workerId,
    database,
    wakeups: createWakeups(database, 'test', silentLogger),
    logger: silentLogger,
    hold: keeper.holdEffect,
    afterLease: () => undefined,
    telemetry,
    handlers: {
      pull_request: never,
      review: never,
      workflow_step: never,
      callback: never,
      async push(effect) {
        tries += 1;
        if (tries === 1) throw new Error('nobody foresaw this');
        await postponeEffect(database, effect, 60_000, 'not now');
      },
    },
  });
  const { runId, generation } = await storeLiveRun(stage, 'running');
  keeper.holdRun({ runId, generation, onCancel: () => undefined, onLost: () => undefined });
  await storeWaitingPush(stage);
  const stop = new AbortController();
  const running = Promise.all([keeper.run(stop.signal), outbox.run(stop.signal)]);
  t.after(async () => {
    stop.abort();
    await running;
    await remove();
  });
  const attempts = (result: string) => value('slipway_effect_attempts_total', { kind: 'push', result });
  await until('the first attempt', async () => (await attempts('error')) === 1);
  await until('the second attempt', async () => (await attempts('waiting')) === 1, 30_000);
  assert.equal(await value('slipway_effect_duration_seconds_count', { kind: 'push' }), 2);
  await until(
    'a renewal',
    async () => ((await value('slipway_leases_renewed_total', { kind: 'run' })) ?? 0) > 0,
  );
});
