import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth.ts';
import type { ApiDescription } from '../../describe-api.ts';
import type { HttpDeps, HttpOptions } from '../../http-deps.ts';
import type { StreamMetrics } from '../../stream-metrics.ts';
import type { RequestWatch } from '../../watch-requests.ts';

/** What the routes of this surface get: the server's dependencies with what the app adds to them. */
export type CodeforgeDeps = Omit<HttpDeps, 'options'> & {
  readonly options: HttpOptions;
  readonly auth: Auth;
  /** Where a request stands in a trace. */
  readonly placeOf: RequestWatch['placeOf'];
  readonly streams: StreamMetrics;
  /** Makes the description of everything that this server answers; costs a tenth of a second. */
  readonly describeApi: () => Promise<ApiDescription>;
  /** Aborted when the server closes: event streams end by it. */
  readonly closing: AbortSignal;
  /** 404 or 405; as this surface's own not-found handler it stands behind the surface's hooks. */
  readonly answerUnknownPath: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
};
