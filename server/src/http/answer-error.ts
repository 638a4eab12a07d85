import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../lib/logger.ts';
import type { ErrorForm } from './error-body.ts';
import { problemOf } from './problem.ts';
import type { RequestWatch } from './watch-requests.ts';

/**
 * The edge where whatever was thrown becomes an answer. A defect's text and stack go to the log, under the
 * request's id, and nowhere else.
 */
export function createErrorHandler(deps: {
  readonly logger: Logger;
  readonly isDatabaseAway: (error: unknown) => boolean;
  readonly aboutOf: RequestWatch['aboutOf'];
  /** Of the surface whose paths these are. */
  readonly form: ErrorForm;
}) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error, deps.isDatabaseAway);
    const about = deps.aboutOf(request);
    if (problem.kind === 'defect') {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      deps.logger.error({ ...about, error: text }, 'a request failed');
    }
    if (problem.kind === 'unavailable')
      deps.logger.warn({ ...about, reason: problem.message }, 'a request was put off');
    if (problem.kind === 'refused' && problem.status >= 500)
      deps.logger.warn({ ...about, reason: problem.message }, 'a request failed elsewhere');
    if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds);
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    // Fastify cuts the connection after a body that it did not take. The reset then overtakes the answer,
    // and the client never learns why; instead the rest is read and thrown away, within the time limit.
    reply.removeHeader('connection');
    return reply.code(problem.status).send(deps.form.bodyOf(problem));
  };
}
