import { createHash, randomBytes } from 'node:crypto';
import { apiKeyAbilities } from '../domain/ability.ts';
import { apiKeyDays, apiKeyPrefix, grantable, isLogin } from '../domain/api-key.ts';
import { invalidField, Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import type { Ids } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import { Secret } from '../lib/secret.ts';
import { insertCredential, type CredentialRow } from '../store/credentials.ts';
import type { Database } from '../store/database.ts';
import { ensureUser } from '../store/users.ts';
import type { Actor } from './require-ability.ts';
import { requireAdministrator } from './require-administrator.ts';

/** An API key as lists show it. */
export type ApiKeyRow = CredentialRow;

export type ApiKeyOrder = {
  readonly name: string;
  /** The login of whose key it is, made where nobody has it; undefined: the caller. */
  readonly owner?: string;
  /** Undefined: what API keys can do where nobody says otherwise. */
  readonly abilities?: readonly string[];
  /** Undefined: it holds until it is revoked. */
  readonly expiresInDays?: number;
};

export type CreatedApiKey = { readonly key: Secret; readonly row: ApiKeyRow };

export type CreateApiKeyDeps = {
  readonly database: Database;
  readonly ids: Ids;
  readonly logger: Logger;
};

const keyBytes = 32;
const hintCharacters = 4;

/**
 * Makes an API key for somebody. The key is given this once: only its hash is kept.
 *
 * @throws Refusal `forbidden`, `invalid` by field, or `conflict` where the owner has a key of this name.
 */
export function createApiKeyService({ database, ids, logger }: CreateApiKeyDeps) {
  return async (actor: Actor, order: ApiKeyOrder): Promise<CreatedApiKey> => {
    requireAdministrator(actor, 'API keys');
    checkOrder(order);
    const { name, owner, abilities = apiKeyAbilities } = order;
    // Code hosts take a login in any case for the same.
    const ownerId = owner === undefined ? actor.userId : await ensureUser(database, ids, owner.toLowerCase());
    const key = apiKeyPrefix + randomBytes(keyBytes).toString('base64url');
    const row = await insertCredential(database, {
      id: ids.ordered(),
      ownerId,
      kind: 'api_key',
      name,
      hash: createHash('sha256').update(key).digest(),
      hint: key.slice(-hintCharacters),
      abilities: [...new Set(abilities)],
      createdBy: actor.userId,
      expiresInDays: order.expiresInDays,
    });
    if (row === undefined) throw new Refusal('conflict', `an API key named ${name} exists already`);
    const { id, ownerLogin, expiresAt } = row;
    const about = { apiKey: id, name, owner: ownerLogin, abilities: row.abilities, expiresAt };
    logger.info({ ...about, by: actor.userId }, 'an API key was created');
    return { key: new Secret(key), row };
  };
}

function checkOrder({ name, owner, abilities, expiresInDays }: ApiKeyOrder): void {
  if (!isName(name)) {
    throw invalidField('name', 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog');
  }
  if (owner !== undefined && !isLogin(owner)) {
    throw invalidField('owner', 'must be a login: 1 to 100 letters, digits, ".", "-" and "_"');
  }
  if (abilities?.length === 0) throw invalidField('abilities', 'must name at least one');
  const unknown = abilities?.findIndex((ability) => !grantable.includes(ability)) ?? -1;
  if (unknown !== -1) {
    throw invalidField(`abilities[${unknown}]`, `must be one of ${grantable.join(', ')}`);
  }
  const { min, max } = apiKeyDays;
  if (expiresInDays === undefined) return;
  if (!Number.isInteger(expiresInDays) || expiresInDays < min || expiresInDays > max) {
    throw invalidField('expires_in_days', `must be a whole number from ${min} to ${max}`);
  }
}
