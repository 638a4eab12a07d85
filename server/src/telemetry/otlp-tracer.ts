import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  RandomIdGenerator,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type IdGenerator,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import type { TracePlace } from '../lib/traceparent.ts';
import type { Span, SpanOptions, Tracer } from '../lib/tracer.ts';
import { reportFailures } from './report-failures.ts';

export type OtlpOptions = {
  /** Where spans are sent to, as OTLP over HTTP in JSON: a whole address. */
  readonly url: string;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Tells the processes of one service apart. */
  readonly instanceId: string;
  readonly sampler: SamplerChoice;
};

/** `ratio`: the part of all traces, from 0 to 1. It goes by the trace's id, so all processes choose alike. */
export type SamplerChoice =
  | { readonly kind: 'always_on' | 'always_off' }
  | { readonly kind: 'traceidratio'; readonly ratio: number };

/** What waits to be sent; beyond it spans are dropped rather than kept in memory. */
const maxQueuedSpans = 4_096;
const sendEveryMs = 2_000;
const sendWithinMs = 5_000;
/** An orderly stop waits no longer for a collector. */
const stopWithinMs = 2_000;

/**
 * Makes a tracer that sends its spans to a collector. A collector that is slow or away costs spans and a line
 * in the log, and nothing else. `close` sends what is left, within two seconds.
 */
export function createOtlpTracer(
  options: OtlpOptions,
  logger: Logger,
): Tracer & { readonly close: () => Promise<void> } {
  const ids = createIds();
  const headers = Object.fromEntries(
    Object.entries(options.headers).map(([name, value]) => [name, value.reveal()]),
  );
  const exporter = new OTLPTraceExporter({
    url: options.url,
    headers,
    timeoutMillis: sendWithinMs,
    concurrencyLimit: 2,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.version': options.serviceVersion,
      'service.instance.id': options.instanceId,
    }),
    sampler: samplerOf(options.sampler),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reportFailures(exporter, logger),
        maxQueueSize: maxQueuedSpans,
        scheduledDelayMillis: sendEveryMs,
        exportTimeoutMillis: sendWithinMs,
      }),
    ],
  });
  const tracer = provider.getTracer('slipway', options.serviceVersion);
  return {
    isOn: true,
    begin: (name, about = {}) => {
      const kind = kinds[about.kind ?? 'internal'];
      const { at, attributes = {} } = about;
      ids.choose(about.place);
      const span = tracer.startSpan(
        name,
        { kind, attributes, ...(at === undefined ? {} : { startTime: at }) },
        contextOf(about.parent),
      );
      ids.choose(undefined);
      return spanOver(span, about);
    },
    async close() {
      if (await within(stopWithinMs, provider.shutdown())) return;
      logger.warn({}, 'the last spans could not be sent to the collector in time; they are lost');
    },
  };
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const satisfies Record<NonNullable<SpanOptions['kind']>, SpanKind>;

/** A parent may have been recorded by any process: it is always a remote one. */
function contextOf(parent: TracePlace | undefined) {
  return parent === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

function spanOver(
  span: ReturnType<ReturnType<TracerProvider['getTracer']>['startSpan']>,
  { at }: SpanOptions,
): Span {
  const { traceId, spanId } = span.spanContext();
  return {
    place: { traceId, spanId },
    end(result = {}) {
      span.setAttributes(result.attributes ?? {});
      if (result.error !== undefined) {
        span.setAttribute('error.type', result.error);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end(at === undefined ? result.at : latest(at, result.at ?? new Date()));
    },
  };
}

/** Where the clocks of two hosts differ, a span must not end before it began. */
function latest(one: Date, other: Date): Date {
  return other < one ? one : other;
}

/** Random ids, but for the one span that `startSpan` makes between a choice and its end. */
function createIds(): IdGenerator & { readonly choose: (place: TracePlace | undefined) => void } {
  const random = new RandomIdGenerator();
  let chosen: TracePlace | undefined;
  return {
    choose(place) {
      chosen = place;
    },
    generateTraceId: () => chosen?.traceId ?? random.generateTraceId(),
    generateSpanId: () => chosen?.spanId ?? random.generateSpanId(),
  };
}

function samplerOf(choice: SamplerChoice): Sampler {
  switch (choice.kind) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(choice.ratio);
    default:
      return choice satisfies never;
  }
}

/** True once the work is over, whatever became of it; false when its time is up. */
async function within(milliseconds: number, work: Promise<void>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), milliseconds);
  const over = (): boolean => true;
  try {
    return await Promise.race([work.then(over, over), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
