import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../lib/logger.ts';
import { shortSeconds } from '../lib/metrics.ts';
import type { Telemetry } from '../lib/telemetry.ts';
import { parseTraceparent, type TracePlace } from '../lib/traceparent.ts';
import type { Span } from '../lib/tracer.ts';

/** What is known about a request beside what it asks for. */
export type RequestWatch = {
  /** The fields of a log line about it. The pattern stands for the path: people put tokens into queries. */
  readonly aboutOf: (request: FastifyRequest) => RequestFields;
  /** Where it stands in a trace: its own span, else what its caller sent; undefined: neither is there. */
  readonly placeOf: (request: FastifyRequest) => TracePlace | undefined;
};

export type RequestFields = {
  readonly requestId: string;
  readonly traceId?: string;
  readonly method: string;
  readonly route: string | undefined;
};

/** Asked every few seconds by load balancers and monitors: spans of them would be noise. */
const untraced: ReadonlySet<string | undefined> = new Set(['/health', '/ready', '/metrics']);
/** The route of what has none. */
const noRoute = 'none';

/** Gives every request a span, counts it, and says in the log how it ended. */
export function watchRequests(
  app: FastifyInstance,
  { telemetry, logger }: { readonly telemetry: Telemetry; readonly logger: Logger },
): RequestWatch {
  const spans = new WeakMap<FastifyRequest, Span>();
  const placeOf = (request: FastifyRequest): TracePlace | undefined =>
    spans.get(request)?.place ?? parseTraceparent(request.headers['traceparent']);
  const aboutOf = (request: FastifyRequest): RequestFields => {
    const place = placeOf(request);
    return {
      requestId: request.id,
      ...(place === undefined ? {} : { traceId: place.traceId }),
      method: request.method,
      route: request.routeOptions.url,
    };
  };
  const measure = createMeasure(telemetry);
  const over = (request: FastifyRequest, reply: FastifyReply, ms: number): void => {
    measure(request, reply, ms / 1_000);
    endSpan(spans.get(request), reply);
    const fields = { ...aboutOf(request), status: reply.statusCode, ms: Math.round(ms) };
    // Answers of 500 and above have said their own line.
    if (reply.statusCode >= 400 && reply.statusCode < 500) logger.info(fields, 'a request was refused');
    else logger.debug(fields, 'a request was answered');
  };
  app.addHook('onRequest', async (request, reply) => {
    const span = telemetry.tracer.isOn ? beginSpan(telemetry, request) : undefined;
    if (span !== undefined) spans.set(request, span);
    // Also where the client left before the end; it is over once.
    const begun = performance.now();
    reply.raw.once('close', () => over(request, reply, performance.now() - begun));
  });
  return { aboutOf, placeOf };
}

/** Attributes by the semantic conventions for HTTP servers. */
function beginSpan({ tracer }: Telemetry, request: FastifyRequest): Span | undefined {
  const route = request.routeOptions.url;
  if (untraced.has(route)) return undefined;
  return tracer.begin(route === undefined ? request.method : `${request.method} ${route}`, {
    parent: parseTraceparent(request.headers['traceparent']),
    kind: 'server',
    attributes: {
      'http.request.method': request.method,
      ...(route === undefined ? {} : { 'http.route': route }),
      'url.scheme': request.protocol,
      'slipway.request.id': request.id,
    },
  });
}

function endSpan(span: Span | undefined, { statusCode }: FastifyReply): void {
  span?.end({
    attributes: { 'http.response.status_code': statusCode },
    ...(statusCode >= 500 ? { error: String(statusCode) } : {}),
  });
}

function createMeasure({ meter }: Telemetry) {
  const count = meter.counter({
    name: 'codeforge_http_requests_total',
    help: 'Requests answered, by method, pattern of the path and class of the status.',
    labels: ['method', 'route', 'status'],
  });
  const observe = meter.histogram({
    name: 'slipway_http_request_duration_seconds',
    help: 'Time to answer, by method and pattern of the path; event streams, which last, are left out.',
    labels: ['method', 'route'],
    buckets: shortSeconds,
  });
  return (request: FastifyRequest, reply: FastifyReply, seconds: number): void => {
    const labels = { method: request.method, route: request.routeOptions.url ?? noRoute };
    count({ ...labels, status: `${Math.floor(reply.statusCode / 100)}xx` });
    if (!isEventStream(reply)) observe(labels, seconds);
  };
}

/** Streams write to the socket by themselves, so the header stands in the raw answer. */
function isEventStream(reply: FastifyReply): boolean {
  return String(reply.raw.getHeader('content-type')).startsWith('text/event-stream');
}
