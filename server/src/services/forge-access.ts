import { Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import type { Forge, ForgeError } from '../forges/forge.ts';
import type { Secret } from '../lib/secret.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import { findKey, type StoredKey } from '../store/keys.ts';
import type { Viewer } from '../store/tasks.ts';

/** What services that ask a forge for a caller, with a token of the caller's, work with. */
export type ForgeAccess = {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly forges: readonly Forge[];
  readonly isForgeError: (error: unknown) => error is ForgeError;
};

/** What opens keys. */
export type KeyAccess = Pick<ForgeAccess, 'database' | 'keyRing'>;

/**
 * A key of the viewer's, opened.
 *
 * @throws Refusal `not_found`
 */
export async function openKey(
  { database, keyRing }: KeyAccess,
  viewer: Viewer,
  name: string,
): Promise<{ readonly key: StoredKey; readonly token: Secret }> {
  // What is no name is not asked for: a text with a NUL is none for PostgreSQL.
  const key = isName(name) ? await findKey(database, viewer.userId, name) : undefined;
  if (key === undefined) throw new Refusal('not_found', 'key not found');
  return { key, token: keyRing.open(key.secret.id, key.secret) };
}

/** The configured forge of this name. There is always one of each. */
export function forgeNamed({ forges }: ForgeAccess, name: 'github' | 'gitlab'): Forge {
  const forge = forges.find((known) => known.name === name);
  if (forge === undefined) throw new Error(`there is no forge ${name}`);
  return forge;
}

/** A forge that did not do what it was asked for, as the caller is told of it; anything else is thrown on. */
export function refusalOf({ isForgeError }: ForgeAccess, error: unknown): Refusal {
  if (!isForgeError(error)) throw error;
  const { message, retryAfterMs } = error;
  const wait = retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) };
  return new Refusal('upstream_failed', message, { ...wait, cause: error });
}
