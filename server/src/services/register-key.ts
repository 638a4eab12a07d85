import { Refusal } from '../domain/errors.ts';
import type { KeyProvider } from '../domain/key.ts';
import type { Ids } from '../lib/ids.ts';
import type { Secret } from '../lib/secret.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import { findKey, insertKey } from '../store/keys.ts';
import type { Viewer } from '../store/tasks.ts';

/** A key as it is to be kept, checked at the edge. */
export type KeyRegistration = {
  readonly name: string;
  readonly provider: KeyProvider;
  /** Empty: no limit. */
  readonly scope: string;
  readonly token: Secret;
  /** Whether the caller marks the request as one that may have been sent before. */
  readonly mayBeRepeat: boolean;
};

export type RegisterKeyDeps = { readonly database: Database; readonly keyRing: KeyRing; readonly ids: Ids };

/**
 * Keeps a key for its owner, encrypted. Nothing outside is asked: `verifyKey` does that. A repeated request,
 * marked as one, for a key that is there just so in every part is done already.
 *
 * @throws Refusal `conflict` where the owner has another key of this name.
 */
export function createRegisterKeyService({ database, keyRing, ids }: RegisterKeyDeps) {
  return async (viewer: Viewer, key: KeyRegistration): Promise<void> => {
    const secretId = ids.ordered();
    const stored = await insertKey(database, {
      id: ids.ordered(),
      ownerId: viewer.userId,
      name: key.name,
      provider: key.provider,
      scope: key.scope,
      secret: { id: secretId, ...keyRing.seal(secretId, key.token) },
    });
    if (stored || (key.mayBeRepeat && (await isThere(viewer, key)))) return;
    throw new Refusal('conflict', `a key named ${key.name} exists already`);
  };

  async function isThere(viewer: Viewer, key: KeyRegistration): Promise<boolean> {
    const kept = await findKey(database, viewer.userId, key.name);
    if (kept === undefined || kept.provider !== key.provider || kept.scope !== key.scope) return false;
    return keyRing.open(kept.secret.id, kept.secret).reveal() === key.token.reveal();
  }
}
