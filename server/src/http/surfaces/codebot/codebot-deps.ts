import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth.ts';
import type { ErrorForm } from '../../error-body.ts';
import type { HttpDeps, HttpOptions } from '../../http-deps.ts';
import type { RequestWatch } from '../../watch-requests.ts';

type ErrorHandler = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** What this surface gets: services, and what every surface needs of the app. */
export type CodebotDeps = Pick<HttpDeps, 'isShuttingDown'> & {
  readonly services: Pick<HttpDeps['services'], 'createTask' | 'overviews'>;
  readonly options: Pick<HttpOptions, 'codebotQueueSize' | 'codebotRetentionMs'>;
  readonly auth: Auth;
  /** Where a request stands in a trace. */
  readonly placeOf: RequestWatch['placeOf'];
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
  /** The edge where what was thrown becomes an answer, and 404 or 405 for paths that are no route's. */
  readonly errorHandlerOf: (form: ErrorForm) => ErrorHandler;
  readonly unknownPathHandlerOf: (form: ErrorForm) => Handler;
};
