import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';
import type { Viewer } from '../store/tasks.ts';

/** Who a credential belongs to. `rateLimitKey` names the credential without telling it. */
export type Caller = Viewer & { readonly rateLimitKey: string };

/** Looks a credential up; undefined: it is nobody's. */
export type Authenticate = (token: Secret) => Promise<Caller | undefined>;

/**
 * Knows one token from the configuration. Digests are compared, in constant time: neither the length nor
 * the beginning of the token can be measured.
 */
export function createStaticTokenAuthenticator(known: {
  readonly token: Secret;
  readonly viewer: Viewer;
}): Authenticate {
  const wanted = digest(known.token);
  const rateLimitKey = createHash('sha256').update('rate-limit').update(wanted).digest('hex').slice(0, 32);
  const caller: Caller = { ...known.viewer, rateLimitKey };
  return async (token) => (timingSafeEqual(digest(token), wanted) ? caller : undefined);
}

function digest(token: Secret): Buffer {
  return createHash('sha256').update(token.reveal()).digest();
}
