import type { FastifyInstance } from 'fastify';
import { errorBody } from '../../error-body.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { infoPage } from './info-page.ts';

/** What needs no credential: the name card, and what load balancers and monitors ask. */
export function addSystemRoutes(app: FastifyInstance, deps: CodeforgeDeps): void {
  app.get('/', async (request, reply) => {
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

  app.get('/health', async (_request, reply) => {
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
    });
  });

  app.get('/ready', async (_request, reply) => {
    const reason = await notReadyReason(deps);
    if (reason === undefined) return { status: 'ready' };
    return reply
      .code(503)
      .header('retry-after', 2)
      .send({ status: 'not_ready', ...errorBody({ status: 503, message: reason }) });
  });
}

const links = {
  api: '/api/v1',
  docs: '/api/docs',
  health: '/health',
  metrics: '/metrics',
  ready: '/ready',
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
