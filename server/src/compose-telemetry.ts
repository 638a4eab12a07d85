import type { Config } from './config.ts';
import type { ObserveForge } from './forges/forge-call.ts';
import type { Logger } from './lib/logger.ts';
import { systemIds } from './lib/ids.ts';
import { shortSeconds, type Meter } from './lib/metrics.ts';
import type { Telemetry } from './lib/telemetry.ts';
import { silentTracer, type Tracer } from './lib/tracer.ts';
import type { ObserveSentry } from './sentry/sentry-http.ts';
import { createMeter, type ScrapedMeter } from './telemetry/meter.ts';
import { version } from './version.ts';

/** What a process lets itself be watched by. */
export type ProcessTelemetry = Telemetry & { readonly meter: ScrapedMeter };

/** Makes the meter, and the tracer where a collector is configured. What waits to be sent is sent by `stack`. */
export async function composeTelemetry(
  config: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<ProcessTelemetry> {
  const meter = createMeter();
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_build_info',
      help: 'Always 1; the version is a label.',
      labels: ['version'],
    },
    () => [{ labels: { version }, value: 1 }],
  );
  const { workers, reviewWorkers, followUpWorkers } = config.worker;
  const slots = workers === 0 ? 0 : workers + reviewWorkers + followUpWorkers;
  meter.watch(
    {
      type: 'gauge',
      name: 'codeforge_workers_total',
      help: 'How many runs this process works on at a time, over all queues.',
    },
    () => [{ labels: {}, value: slots }],
  );
  return { meter, tracer: await composeTracer(config, logger, stack) };
}

/** Counts the requests to forges; how many a forge still allows is what it said last, of whatever token. */
export function observeForges(meter: Meter): ObserveForge {
  const count = meter.counter({
    name: 'slipway_forge_requests_total',
    help: 'Requests of this process to forges, by operation and class of the status; none: no answer came.',
    labels: ['forge', 'operation', 'status'],
  });
  const observe = meter.histogram({
    name: 'slipway_forge_request_duration_seconds',
    help: 'How long requests to forges took, by forge.',
    labels: ['forge'],
    buckets: shortSeconds,
  });
  const left = new Map<string, number>();
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_forge_rate_limit_remaining',
      help: 'Requests that a forge still allows until its limit starts anew, as it said last, for the token used last.',
      labels: ['forge'],
    },
    () => [...left].map(([forge, value]) => ({ labels: { forge }, value })),
  );
  return ({ forge, operation, status, ms, rateLimitRemaining }) => {
    count({ forge, operation, status: statusClassOf(status) });
    observe({ forge }, ms / 1_000);
    if (rateLimitRemaining !== undefined) left.set(forge, rateLimitRemaining);
  };
}

/** Counts the requests to Sentry. */
export function observeSentry(meter: Meter): ObserveSentry {
  const count = meter.counter({
    name: 'slipway_sentry_requests_total',
    help: 'Requests of this process to Sentry, by operation and class of the status; none: no answer came.',
    labels: ['operation', 'status'],
  });
  const observe = meter.histogram({
    name: 'slipway_sentry_request_duration_seconds',
    help: 'How long requests to Sentry took.',
    buckets: shortSeconds,
  });
  return ({ operation, status, ms }) => {
    count({ operation, status: statusClassOf(status) });
    observe({}, ms / 1_000);
  };
}

/** 0: no answer came. */
function statusClassOf(status: number): string {
  return status === 0 ? 'none' : `${Math.floor(status / 100)}xx`;
}

async function composeTracer(config: Config, logger: Logger, stack: AsyncDisposableStack): Promise<Tracer> {
  const { tracesUrl, headers, serviceName, sampler } = config.telemetry;
  if (tracesUrl === undefined) return silentTracer;
  // Loaded for those alone who use it: the library takes 10 MB.
  const { createOtlpTracer } = await import('./telemetry/otlp-tracer.ts');
  const tracer = createOtlpTracer(
    {
      url: tracesUrl,
      headers,
      serviceName,
      serviceVersion: version,
      instanceId: systemIds.random(),
      sampler,
    },
    logger,
  );
  stack.defer(() => tracer.close());
  return tracer;
}
