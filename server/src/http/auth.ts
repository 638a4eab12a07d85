import type { FastifyRequest } from 'fastify';
import { Refusal } from '../domain/errors.ts';
import { Secret } from '../lib/secret.ts';
import type { Authenticate, Caller } from '../services/authenticate.ts';
import { requireAbility } from '../services/require-ability.ts';
import { requireAdministrator } from '../services/require-administrator.ts';

export type Auth = {
  /**
   * Goes in front of every route that needs a caller, before the body is read: refuses who is nobody, and whose
   * credential lacks what the route `needs`.
   */
  readonly requireCaller: (request: FastifyRequest) => Promise<void>;
  /** Who asks; only behind `requireCaller`. */
  readonly callerOf: (request: FastifyRequest) => Caller;
};

/**
 * Credentials: `Authorization: Bearer`, else `X-API-Key`. The first that is there decides: a wrong one is
 * refused, the next is not tried. None is taken from a URL, where it would end up in logs and histories.
 */
export function createAuth(authenticate: Authenticate): Auth {
  const callers = new WeakMap<FastifyRequest, Caller>();
  return {
    async requireCaller(request) {
      const token = tokenOf(request);
      const caller = token === undefined ? undefined : await authenticate(token);
      if (caller === undefined) throw new Refusal('unauthenticated', 'missing or invalid Bearer token');
      requireNeeded(request, caller);
      callers.set(request, caller);
    },
    callerOf(request) {
      const caller = callers.get(request);
      if (caller === undefined) throw new Error('this route does not stand behind requireCaller');
      return caller;
    },
  };
}

function tokenOf(request: FastifyRequest): Secret | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^bearer +(\S+) *$/iu.exec(authorization)?.[1];
    return token === undefined ? undefined : new Secret(token);
  }
  const key = request.headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? new Secret(key) : undefined;
}

/** A route that says nothing is a defect, and answers nobody: forgotten, it must not stand open. */
function requireNeeded(request: FastifyRequest, caller: Caller): void {
  if (request.is404) return;
  const { documentation } = request.routeOptions.config;
  if (documentation === undefined || documentation === 'none' || documentation.needs === undefined) {
    throw new Error(`${request.routeOptions.url} stands behind requireCaller and says not what it needs`);
  }
  const { needs, tag } = documentation;
  if (needs === 'administrator') requireAdministrator(caller, tag);
  else if (needs !== 'any credential') requireAbility(caller, needs);
}
