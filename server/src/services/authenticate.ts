import { createHash, timingSafeEqual } from 'node:crypto';
import { apiKeyAbilities, everyAbility } from '../domain/ability.ts';
import { isApiKey } from '../domain/api-key.ts';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import { findCredentialByHash, noteCredentialUse, type HeldCredential } from '../store/credentials.ts';
import type { Database } from '../store/database.ts';
import type { Actor } from './require-ability.ts';

/** Who a credential belongs to. `rateLimitKey` names the credential without telling it. */
export type Caller = Actor & { readonly rateLimitKey: string };

/** Looks a credential up; undefined: it is nobody's. */
export type Authenticate = (token: Secret) => Promise<Caller | undefined>;

export type AuthenticateDeps = {
  readonly database: Database;
  readonly logger: Logger;
  /** Whose the static token is, and the keys from the environment. */
  readonly administratorId: string;
  readonly token: Secret;
  readonly apiKeys: readonly Secret[];
};

/**
 * Knows the static token, the API keys of the environment, and those that are stored: in this order, so that the
 * first two are known while the database is away. Only digests are compared, the static token's in constant time:
 * neither the length nor the beginning of a credential can be measured.
 *
 * The static token is an administrator with every ability. An API key is never an administrator, whoever owns it;
 * where the token is among the keys it stays the token, and the log warns of it.
 */
export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  const wanted = digestOf(deps.token);
  const administrator: Caller = {
    userId: deps.administratorId,
    isAdmin: true,
    abilities: everyAbility,
    rateLimitKey: rateLimitKeyOf(wanted),
  };
  const environment = new Map(
    deps.apiKeys.map((key) => {
      const digest = digestOf(key);
      const owned = { ownerId: deps.administratorId, abilities: apiKeyAbilities };
      return [digest.toString('hex'), callerOf(owned, digest)] as const;
    }),
  );
  if (environment.has(wanted.toString('hex'))) {
    const warning =
      'CODEBOT_API_KEYS has the administrator token among its keys: who has that one may do all';
    deps.logger.warn({}, warning);
  }
  const noteUse = createUseNotes(deps);
  return async (token) => {
    const digest = digestOf(token);
    if (timingSafeEqual(digest, wanted)) return administrator;
    const known = environment.get(digest.toString('hex'));
    if (known !== undefined) return known;
    // What has not even the form of one costs no statement.
    const held = isApiKey(token.reveal()) ? await findCredentialByHash(deps.database, digest) : undefined;
    if (held === undefined) return undefined;
    if (!held.isNoted) noteUse(held.id);
    return callerOf(held, digest);
  };
}

function callerOf({ ownerId, abilities }: Omit<HeldCredential, 'id' | 'isNoted'>, digest: Buffer): Caller {
  return { userId: ownerId, isAdmin: false, abilities, rateLimitKey: rateLimitKeyOf(digest) };
}

/** Notes uses beside the requests: one of a key at a time, and no request waits for it or fails with it. */
function createUseNotes({ database, logger }: AuthenticateDeps): (id: string) => void {
  const underWay = new Set<string>();
  return (id) => {
    if (underWay.has(id)) return;
    underWay.add(id);
    noteCredentialUse(database, id)
      .catch((error: unknown) =>
        logger.warn({ apiKey: id, error: String(error) }, 'the use of an API key was not noted'),
      )
      .finally(() => underWay.delete(id));
  };
}

function digestOf(token: Secret): Buffer {
  return createHash('sha256').update(token.reveal()).digest();
}

function rateLimitKeyOf(digest: Buffer): string {
  return createHash('sha256').update('rate-limit').update(digest).digest('hex').slice(0, 32);
}
