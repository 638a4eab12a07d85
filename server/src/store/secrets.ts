import type { InsertResult, Transaction } from 'kysely';
import type { SealedSecret } from './create-task.ts';
import type { Database } from './database.ts';
import { falseWhenMoved, rollBack } from './move-run.ts';
import type { Tables } from './tables.ts';

/** The columns of a sealed secret. */
export const sealedColumns = [
  'secrets.id',
  'secrets.key_id as keyId',
  'secrets.nonce',
  'secrets.ciphertext',
] as const;

/** A sealed secret, by its id. */
export async function findSecret(database: Database, id: string): Promise<SealedSecret | undefined> {
  return database.kysely.selectFrom('secrets').select(sealedColumns).where('id', '=', id).executeTakeFirst();
}

/** Stores a secret in the transaction of the row that refers to it. */
export async function insertSecret(
  tx: Transaction<Tables>,
  ownerId: string,
  { id, keyId, nonce, ciphertext }: SealedSecret,
): Promise<void> {
  await tx
    .insertInto('secrets')
    .values({ id, owner_id: ownerId, key_id: keyId, nonce, ciphertext })
    .execute();
}

/** Stores a secret and the one row that refers to it. False, and neither is there: the row's name is taken. */
export async function insertWithSecret(
  database: Database,
  { ownerId, secret }: { readonly ownerId: string; readonly secret: SealedSecret },
  insertRow: (tx: Transaction<Tables>) => Promise<InsertResult>,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      await insertSecret(tx, ownerId, secret);
      const inserted = await insertRow(tx);
      if (inserted.numInsertedOrUpdatedRows !== 1n) rollBack();
      return true;
    })
    .catch(falseWhenMoved);
}

/** Deletes a row and the secret that it referred to. False: there was no such row. */
export async function deleteWithSecret(
  database: Database,
  deleteRow: (tx: Transaction<Tables>) => Promise<{ readonly secret_id: string } | undefined>,
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const gone = await deleteRow(tx);
    if (gone === undefined) return false;
    await tx.deleteFrom('secrets').where('id', '=', gone.secret_id).execute();
    return true;
  });
}
