import type { SealedSecret } from './create-task.ts';
import type { Database } from './database.ts';

/**
 * Up to `limit` secrets that were sealed with any other key than this one, by id, behind the id `after`. The
 * two ranges are read from the index `secrets_by_key`: where nothing is left to do, nothing is read.
 */
export async function findOldSecrets(
  database: Database,
  { newestKeyId, after, limit }: { newestKeyId: string; after: string | undefined; limit: number },
): Promise<readonly SealedSecret[]> {
  let query = database.kysely
    .selectFrom('secrets')
    .select(['id', 'key_id as keyId', 'nonce', 'ciphertext'])
    .where((where) => where.or([where('key_id', '<', newestKeyId), where('key_id', '>', newestKeyId)]))
    .orderBy('id')
    .limit(limit);
  if (after !== undefined) query = query.where('id', '>', after);
  return query.execute();
}

/** Puts the new form of a secret in the place of the old one. False: it is gone, or another process did it. */
export async function replaceSealed(
  database: Database,
  old: SealedSecret,
  anew: Omit<SealedSecret, 'id'>,
): Promise<boolean> {
  const replaced = await database.kysely
    .updateTable('secrets')
    .set({ key_id: anew.keyId, nonce: anew.nonce, ciphertext: anew.ciphertext })
    .where('id', '=', old.id)
    .where('key_id', '=', old.keyId)
    .executeTakeFirst();
  return replaced.numUpdatedRows === 1n;
}
