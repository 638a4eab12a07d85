import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { readConfig } from './config.ts';
import { silentLogger } from './lib/logger.ts';

const sdk = '@opentelemetry/sdk-trace';

test('the library for traces is loaded where a collector is configured, and else it is not', async (t) => {
  const asked = new Set<string>();
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      asked.add(specifier);
      return next(specifier, context);
    },
  });
  t.after(() => hooks.deregister());
  const { composeTelemetry } = await import('./compose-telemetry.ts');
  await using stack = new AsyncDisposableStack();
  const off = await composeTelemetry(
    readConfig({}, () => ''),
    silentLogger,
    stack,
  );
  assert.equal(off.tracer.isOn, false);
  assert.ok(asked.has('prom-client'), 'the hook sees what is loaded');
  assert.equal(asked.has(sdk), false);
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  const on = await composeTelemetry(
    readConfig(environment, () => ''),
    silentLogger,
    stack,
  );
  assert.equal(on.tracer.isOn, true);
  assert.equal(asked.has(sdk), true);
});
