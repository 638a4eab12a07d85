import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Refusal } from '../domain/errors.ts';
import { createErrorHandler } from './answer-error.ts';
import { createAuth } from './auth.ts';
import { onClientError } from './client-error.ts';
import { describeApi } from './describe-api.ts';
import { statedKeyword } from './documented.ts';
import { errorBody, nativeErrors, type ErrorForm } from './error-body.ts';
import { httpOptionDefaults, type HttpDeps, type HttpOptions } from './http-deps.ts';
import { takeJsonBodies } from './json-body.ts';
import { watchRoutes, type KnownPaths } from './known-paths.ts';
import { createStreamMetrics } from './stream-metrics.ts';
import type { CodebotDeps } from './surfaces/codebot/codebot-deps.ts';
import { addCodebotSurface } from './surfaces/codebot/codebot-surface.ts';
import type { CodeforgeDeps } from './surfaces/codeforge/codeforge-deps.ts';
import { addCodeforgeSurface } from './surfaces/codeforge/codeforge-surface.ts';
import { watchRequests } from './watch-requests.ts';

export type HttpServer = {
  /** Port 0 takes any. Resolves with the address, such as `http://127.0.0.1:8080`; rejects as `listen` does. */
  readonly listen: (host: string, port: number) => Promise<string>;
  /** Ends the event streams, lets requests under way finish within the limit, and gives the port free. */
  readonly close: () => Promise<void>;
  /** A request without a socket, for tests. */
  readonly inject: FastifyInstance['inject'];
};

const maxHeaderBytes = 16_384;
const maxParamLength = 200;

/** Builds the server's HTTP side; nothing listens yet. */
export function createHttpServer(deps: HttpDeps): HttpServer {
  const options: HttpOptions = { ...httpOptionDefaults, ...deps.options };
  const closing = new AbortController();
  // Every open stream listens to it, and there may be thousands.
  setMaxListeners(0, closing.signal);
  const app = openFastify(options);
  const known = watchRoutes(app);
  const answerUnknownPath = createUnknownPathHandler(known, nativeErrors);
  app.setNotFoundHandler(answerUnknownPath);
  takeJsonBodies(app);
  const requests = watchRequests(app, deps);
  const errorHandlerOf = (form: ErrorForm) =>
    createErrorHandler({ ...deps, aboutOf: requests.aboutOf, form });
  app.setErrorHandler(errorHandlerOf(nativeErrors));
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headersOf(request));
  });
  const auth = createAuth(deps.authenticate);
  const codeforge: CodeforgeDeps = {
    ...deps,
    options,
    auth,
    closing: closing.signal,
    answerUnknownPath,
    placeOf: requests.placeOf,
    streams: createStreamMetrics(deps.telemetry.meter),
    describeApi: () => describeApi(deps.version, addSurfaces),
  };
  const codebot: CodebotDeps = {
    ...codeforge,
    errorHandlerOf,
    unknownPathHandlerOf: (form) => createUnknownPathHandler(known, form),
  };
  const addSurfaces = (server: FastifyInstance): void => {
    addCodeforgeSurface(server, codeforge);
    addCodebotSurface(server, codebot);
  };
  addSurfaces(app);
  return {
    async listen(host, port) {
      await app.listen({ host, port });
      return addressOf(app);
    },
    async close() {
      closing.abort();
      const cut = setTimeout(() => app.server.closeAllConnections(), options.drainMs);
      try {
        await app.close();
      } finally {
        clearTimeout(cut);
      }
    },
    inject: app.inject.bind(app),
  };
}

function openFastify(options: HttpOptions): FastifyInstance {
  return Fastify({
    logger: false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    http: {
      headersTimeout: options.headersTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: 5_000,
    },
    return503OnClosing: false,
    routerOptions: { maxParamLength },
    genReqId: requestIdOf,
    // Types are checked as they are sent (`"repo_url": 1` is no text), and all wrong fields are told at once.
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: true,
        keywords: [statedKeyword],
      },
    },
    clientErrorHandler: onClientError,
    // A path that cannot be decoded or is too long: it names nothing.
    frameworkErrors: (_error, request, { raw }) => {
      raw.writeHead(404, { ...headersOf(request), 'content-type': 'application/json; charset=utf-8' });
      raw.end(JSON.stringify(errorBody({ status: 404, message: 'not found' })));
    },
  });
}

/** A caller's own id is kept where it is harmless in a log, so that both sides can be searched for it. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,100}$/u.test(given) ? given : randomUUID();
}

/** On every answer. What the API says is nobody's to cache, to sniff or to frame. */
function headersOf(request: Pick<FastifyRequest, 'id'>): Record<string, string> {
  return {
    'x-request-id': request.id,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  };
}

/** 404 for paths that do not exist, 405 for those that do. */
function createUnknownPathHandler(known: KnownPaths, form: ErrorForm) {
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const methods = known.methodsOf(request.url.split('?', 1)[0] ?? '');
    if (methods.length === 0) throw new Refusal('not_found', 'not found');
    const message = `${request.method} is not allowed here: use ${methods.join(', ')}`;
    return reply
      .header('allow', methods.join(', '))
      .code(405)
      .send(form.bodyOf({ status: 405, message }));
  };
}

function addressOf(app: FastifyInstance): string {
  const { address, family, port } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
