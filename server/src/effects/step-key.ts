import type { Secret } from '../lib/secret.ts';
import { openIfPossible, type KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import { findKey, type StoredKey } from '../store/keys.ts';
import { StepFailure } from '../workflows/step-failure.ts';

const again = 'then run the workflow again';

/** A stored key that a step of this owner's names. Throws StepFailure where there is none. */
export async function findStepKey(database: Database, ownerId: string, name: string): Promise<StoredKey> {
  const key = await findKey(database, ownerId, name);
  if (key === undefined) throw new StepFailure(`no key is named ${name}: register it, ${again}`);
  return key;
}

/** Its token. Throws StepFailure where nothing opens it. */
export function openStepKey(keyRing: KeyRing, { name, secret }: StoredKey): Secret {
  const token = openIfPossible(keyRing, secret);
  if (token !== undefined) return token;
  throw new StepFailure(`the key ${name} cannot be decrypted: register it again, ${again}`);
}
