import { Refusal } from '../domain/errors.ts';
import { isUuid } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import { revokeCredential } from '../store/credentials.ts';
import type { Database } from '../store/database.ts';
import type { Actor } from './require-ability.ts';
import { requireAdministrator } from './require-administrator.ts';

/**
 * Ends an API key: the next request with it is refused. What was begun with it goes on.
 *
 * @throws Refusal `forbidden`, or `not_found`, also where it is revoked already.
 */
export function createRevokeApiKeyService({
  database,
  logger,
}: {
  readonly database: Database;
  readonly logger: Logger;
}) {
  return async (actor: Actor, reference: string): Promise<void> => {
    requireAdministrator(actor, 'API keys');
    const id = reference.toLowerCase();
    const revoked = isUuid(id) ? await revokeCredential(database, 'api_key', id) : undefined;
    if (revoked === undefined) throw new Refusal('not_found', 'API key not found');
    logger.info({ apiKey: id, name: revoked.name, by: actor.userId }, 'an API key was revoked');
  };
}
