import type { IncomingHttpHeaders } from 'node:http';
import { ApiRefusal, refusal } from './api-answer.ts';
import type { Operation } from './parameters.ts';
import { flawOf } from './state.ts';
import type { State, Token } from './state.ts';

/** The token that a request brings, by either of the documented headers ("REST API authentication"). */
export function givenToken(headers: IncomingHttpHeaders): string | undefined {
  const own = headers['private-token'];
  if (typeof own === 'string') return own;
  const [scheme, value] = (headers.authorization ?? '').split(' ');
  return scheme?.toLowerCase() === 'bearer' ? value : undefined;
}

/**
 * The token's record; undefined for a request without one. Throws 401 for one that is not known, and, in
 * the words of OAuth, for one that has ended (lib/api/api_guard.rb).
 */
export function authenticate(state: State, headers: IncomingHttpHeaders, now: number): Token | undefined {
  const value = givenToken(headers);
  if (value === undefined) {
    if (headers.authorization !== undefined) throw refusal(401, '401 Unauthorized');
    return undefined;
  }
  const token = state.tokens.find((one) => one.value === value);
  // A token of OAuth is taken as a bearer only.
  const isMisplaced = token?.kind === 'oauth' && headers['private-token'] !== undefined;
  if (token === undefined || isMisplaced) throw refusal(401, '401 Unauthorized');
  const flaw = flawOf(token, now);
  if (flaw === undefined) return token;
  const description =
    flaw === 'expired'
      ? 'Token is expired. You can either do re-authorization or token refresh.'
      : 'Token was revoked. You have to re-authorize from the user.';
  throw new ApiRefusal(401, { error: 'invalid_token', error_description: description });
}

/** Throws 403 where none of the token's scopes is one that the operation takes. */
export function demandScope(operation: Operation, token: Token | undefined): void {
  const { scopes } = operation;
  if (token === undefined || scopes === undefined) return;
  if (scopes.some((scope) => token.scopes.includes(scope))) return;
  throw new ApiRefusal(403, {
    error: 'insufficient_scope',
    error_description: 'The request requires higher privileges than provided by the access token.',
    scope: scopes.join(' '),
  });
}
