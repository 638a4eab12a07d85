import type { KeyProvider } from '../domain/key.ts';
import type { SealedSecret } from './create-task.ts';
import type { Database } from './database.ts';
import { deleteWithSecret, insertWithSecret } from './secrets.ts';

/** A stored key as lists show it. */
export type KeyRow = {
  readonly name: string;
  readonly provider: KeyProvider;
  readonly scope: string;
  readonly createdAt: Date;
};

/** The same with its token, sealed. */
export type StoredKey = KeyRow & { readonly secret: SealedSecret };

export type NewKey = {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly provider: KeyProvider;
  readonly scope: string;
  readonly secret: SealedSecret;
};

/*
 * Keys are their owner's alone: names are unique for an owner, so an administrator who saw everybody's would
 * not know whose key a name is.
 */

/** Stores a key and its secret. False: the owner has a key of this name. */
export async function insertKey(database: Database, key: NewKey): Promise<boolean> {
  return insertWithSecret(database, key, (tx) =>
    tx
      .insertInto('keys')
      .values({
        id: key.id,
        owner_id: key.ownerId,
        name: key.name,
        provider: key.provider,
        scope: key.scope,
        secret_id: key.secret.id,
      })
      .onConflict((conflict) => conflict.columns(['owner_id', 'name']).doNothing())
      .executeTakeFirst(),
  );
}

/** All keys of an owner, by name. */
export async function listKeys(database: Database, ownerId: string): Promise<readonly KeyRow[]> {
  return database.kysely
    .selectFrom('keys')
    .select(['name', 'provider', 'scope', 'created_at as createdAt'])
    .where('owner_id', '=', ownerId)
    .orderBy('name')
    .execute();
}

/** One key of an owner; undefined where there is none. */
export async function findKey(
  database: Database,
  ownerId: string,
  name: string,
): Promise<StoredKey | undefined> {
  const row = await database.kysely
    .selectFrom('keys')
    .innerJoin('secrets', 'secrets.id', 'keys.secret_id')
    .select([
      'keys.name',
      'keys.provider',
      'keys.scope',
      'keys.created_at as createdAt',
      'secrets.id as secretId',
      'secrets.key_id as keyId',
      'secrets.nonce',
      'secrets.ciphertext',
    ])
    .where('keys.owner_id', '=', ownerId)
    .where('keys.name', '=', name)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { secretId, keyId, nonce, ciphertext, ...key } = row;
  return { ...key, secret: { id: secretId, keyId, nonce, ciphertext } };
}

/** Deletes a key and its secret. False: the owner has none of this name. */
export async function deleteKey(database: Database, ownerId: string, name: string): Promise<boolean> {
  return deleteWithSecret(database, (tx) =>
    tx
      .deleteFrom('keys')
      .where('owner_id', '=', ownerId)
      .where('name', '=', name)
      .returning('secret_id')
      .executeTakeFirst(),
  );
}
