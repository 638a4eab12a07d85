import type { FastifyInstance } from 'fastify';
import { documented } from '../../documented.ts';
import { errorBody } from '../../error-body.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { infoPage } from './info-page.ts';
import { healthBody, notReadyBody, readyBody, serverInfo } from './system-schemas.ts';

/** What needs no credential: the name card, and what load balancers and monitors ask. */
export function addSystemRoutes(app: FastifyInstance, deps: CodeforgeDeps): void {
  addMetricsRoute(app, deps);
  app.get('/', { config: documents.info }, async (request, reply) => {
    reply.header('vary', 'Accept');
    if (!prefersHtml(request.headers.accept)) return { name: 'Slipway', version: deps.version, links };
    return reply
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      )
      .send(infoPage(deps.version));
  });

  app.get('/health', { config: documents.health }, async (_request, reply) => {
    const health = await deps.services.readHealth();
    const ok = health.store && health.queue;
    return reply.code(ok ? 200 : 503).send({
      status: ok ? 'ok' : 'degraded',
      // The document's names for the queue with its events, and for the store.
      redis: health.queue ? 'connected' : 'disconnected',
      sqlite: health.store ? 'connected' : 'disconnected',
      version: deps.version,
      uptime: uptimeText(health.uptimeSeconds),
      workspace_disk_usage_mb: Math.round(health.workspaceDiskBytes / 10_000) / 100,
      task_queue_size: health.waiting.tasks,
      review_queue_size: health.waiting.reviews + health.waiting.follow_ups,
    });
  });

  app.get('/ready', { config: documents.ready }, async (_request, reply) => {
    const reason = await notReadyReason(deps);
    if (reason === undefined) return { status: 'ready' };
    return reply
      .code(503)
      .header('retry-after', 2)
      .send({ status: 'not_ready', ...errorBody({ status: 503, message: reason }) });
  });
}

function addMetricsRoute(app: FastifyInstance, deps: CodeforgeDeps): void {
  app.get('/metrics', { config: documents.metrics }, async (_request, reply) => {
    const { contentType, text } = await deps.scrape();
    return reply.type(contentType).send(text);
  });
}

const links = {
  api: '/api/v1',
  docs: '/api/docs',
  health: '/health',
  metrics: '/metrics',
  ready: '/ready',
};

const healthy = {
  status: 'ok',
  redis: 'connected',
  sqlite: 'connected',
  version: '1.2.3',
  uptime: '5m30s',
  workspace_disk_usage_mb: 123.45,
  task_queue_size: 2,
  review_queue_size: 0,
};

const documents = {
  metrics: documented({
    operationId: 'getMetrics',
    summary: 'Read what is measured',
    description: 'For Prometheus. The numbers name no repository, user or task.',
    tag: 'System',
    open: true,
    answers: { 200: { description: "The metrics in Prometheus' text format.", mediaType: 'text/plain' } },
  }),
  info: documented({
    operationId: 'getServerInfo',
    summary: 'Tell what this server is',
    description: 'A browser (`Accept: text/html`) gets a page instead.',
    tag: 'System',
    open: true,
    answers: {
      200: {
        description: 'Name, version, and where to go from here.',
        schema: serverInfo,
        example: { name: 'Slipway', version: '1.2.3', links },
        otherMediaTypes: ['text/html'],
      },
    },
  }),
  health: documented({
    operationId: 'getHealth',
    summary: 'Tell how the server is',
    tag: 'System',
    open: true,
    answers: {
      200: { description: 'All parts are up.', schema: healthBody, example: healthy },
      503: {
        description: 'A part is down.',
        schema: healthBody,
        example: { ...healthy, status: 'degraded', redis: 'disconnected', sqlite: 'disconnected' },
      },
    },
  }),
  ready: documented({
    operationId: 'getReadiness',
    summary: 'Tell whether the server takes requests',
    tag: 'System',
    open: true,
    answers: {
      200: { description: 'It does.', schema: readyBody, example: { status: 'ready' } },
      503: {
        description: 'It is stopping, or its database is away.',
        schema: notReadyBody,
        example: {
          status: 'not_ready',
          error: 'Service Unavailable',
          message: 'the server is shutting down',
        },
        headers: { 'Retry-After': 'Seconds until it is worth trying again.' },
      },
    },
  }),
};

async function notReadyReason(deps: CodeforgeDeps): Promise<string | undefined> {
  if (deps.isShuttingDown() || deps.closing.aborted) return 'the server is shutting down';
  const health = await deps.services.readHealth();
  return health.store && health.queue ? undefined : 'the database cannot be reached';
}

/** A browser names HTML; programs name JSON or take anything. */
function prefersHtml(accept: string | undefined): boolean {
  return accept !== undefined && /(?:^|,) *text\/html *(?:[,;]|$)/iu.test(accept);
}

/** As Go prints durations: `42s`, `5m30s`, `26h0m9s`. */
export function uptimeText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours}h${minutes % 60}m${whole % 60}s`;
  return minutes > 0 ? `${minutes}m${whole % 60}s` : `${whole}s`;
}
