import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, readConfig, type Config, type Environment } from './config.ts';

const read = (environment: Environment): Config['telemetry'] => readConfig(environment, () => '').telemetry;

test('nothing is traced unless somebody says where to', () => {
  assert.equal(read({}).tracesUrl, undefined);
  assert.equal(read({}).serviceName, 'slipway');
});

test('traces go below the endpoint, or to the whole address that is given for them', () => {
  const general = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/' };
  assert.equal(read(general).tracesUrl, 'http://127.0.0.1:4318/v1/traces');
  const own = { ...general, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/take' };
  assert.equal(read(own).tracesUrl, 'https://traces.example/take');
});

test('headers are read pair by pair, their values decoded and kept as secrets', () => {
  const { headers } = read({ OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20YWJj, x-scope-org=a=b ,' });
  const shown = Object.entries(headers).map(([name, value]) => [name, value.reveal()]);
  assert.deepEqual(shown, [
    ['authorization', 'Basic YWJj'],
    ['x-scope-org', 'a=b'],
  ]);
  assert.ok(!JSON.stringify(headers).includes('YWJj'));
});

test('a sampler is taken by the names of the specification', () => {
  const sampler = (name: string, ratio?: string) =>
    read({
      OTEL_TRACES_SAMPLER: name,
      ...(ratio === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: ratio }),
    }).sampler;
  assert.deepEqual(sampler('parentbased_always_on'), { kind: 'always_on' });
  assert.deepEqual(sampler('always_off'), { kind: 'always_off' });
  assert.deepEqual(sampler('traceidratio', '0.25'), { kind: 'traceidratio', ratio: 0.25 });
  assert.deepEqual(sampler('parentbased_traceidratio'), { kind: 'traceidratio', ratio: 1 });
});

test('headers that are none are refused without a word of their values', () => {
  assert.throws(
    () => read({ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=%zz-hidden' }),
    (error) => error instanceof ConfigError && !error.message.includes('hidden'),
  );
});
