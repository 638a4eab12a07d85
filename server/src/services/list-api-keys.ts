import { listCredentials } from '../store/credentials.ts';
import type { Database } from '../store/database.ts';
import type { ApiKeyRow } from './create-api-key.ts';
import type { Actor } from './require-ability.ts';
import { requireAdministrator } from './require-administrator.ts';

/**
 * All stored API keys, of all owners, the newest first; revoked and expired ones among them.
 *
 * @throws Refusal `forbidden`
 */
export function createListApiKeysService({ database }: { readonly database: Database }) {
  return async (actor: Actor): Promise<readonly ApiKeyRow[]> => {
    requireAdministrator(actor, 'API keys');
    return listCredentials(database, 'api_key');
  };
}
