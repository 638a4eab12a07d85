import { createHash, randomBytes } from 'node:crypto';
import { abilities as allAbilities } from '../../src/domain/ability.ts';
import { apiKeyPrefix } from '../../src/domain/api-key.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { insertCredential } from '../../src/store/credentials.ts';
import type { Database } from '../../src/store/database.ts';

/** Stores an API key of somebody's, with every ability unless told otherwise, and gives it as callers send it. */
export async function storeApiKey(
  database: Database,
  { ownerId, abilities = allAbilities, key = newKey() }: StoredKey,
): Promise<string> {
  const id = systemIds.ordered();
  const stored = await insertCredential(database, {
    id,
    ownerId,
    kind: 'api_key',
    name: id,
    hash: createHash('sha256').update(key).digest(),
    hint: key.slice(-4),
    abilities,
    createdBy: ownerId,
    expiresInDays: undefined,
  });
  if (stored === undefined) throw new Error('the key was not stored');
  return key;
}

type StoredKey = {
  readonly ownerId: string;
  readonly abilities?: readonly string[];
  readonly key?: string;
};

function newKey(): string {
  return apiKeyPrefix + randomBytes(32).toString('base64url');
}
