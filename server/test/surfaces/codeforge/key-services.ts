import { isForgeError } from '../../../src/compose-repositories.ts';
import { composeSentry } from '../../../src/compose-sentry.ts';
import type { Forge } from '../../../src/forges/forge.ts';
import type { HttpServices } from '../../../src/http/http-deps.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import type { Meter } from '../../../src/lib/metrics.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { createKeyRing } from '../../../src/secrets/key-ring.ts';
import { createBrowseSentryService } from '../../../src/services/browse-sentry.ts';
import { createApiKeyService } from '../../../src/services/create-api-key.ts';
import { createDeleteKeyService } from '../../../src/services/delete-key.ts';
import { createListApiKeysService } from '../../../src/services/list-api-keys.ts';
import { createListKeysService } from '../../../src/services/list-keys.ts';
import { createListRepositoriesService } from '../../../src/services/list-repositories.ts';
import { createRegisterKeyService } from '../../../src/services/register-key.ts';
import { createRevokeApiKeyService } from '../../../src/services/revoke-api-key.ts';
import { createVerifyKeyService } from '../../../src/services/verify-key.ts';
import type { Database } from '../../../src/store/database.ts';

/** What every test of this surface seals with. */
export const testKeyRing = createKeyRing([new Secret('0123456789abcdef0123456789abcdef')]);

/** The services behind keys, and what keys open. */
export function createKeyServices(
  database: Database,
  outside: { readonly forges: readonly Forge[]; readonly sentryUrl: string; readonly meter: Meter },
): Pick<HttpServices, 'keys' | 'apiKeys' | 'listRepositories' | 'browseSentry'> {
  const { forges, sentryUrl, meter } = outside;
  const sentry = composeSentry({ sentry: { apiUrl: sentryUrl } }, meter);
  const access = { database, keyRing: testKeyRing, forges, isForgeError, ...sentry };
  return {
    keys: {
      register: createRegisterKeyService({ database, keyRing: testKeyRing, ids: systemIds }),
      list: createListKeysService({ database }),
      verify: createVerifyKeyService(access),
      remove: createDeleteKeyService({ database }),
    },
    apiKeys: {
      create: createApiKeyService({ database, ids: systemIds, logger: silentLogger }),
      list: createListApiKeysService({ database }),
      revoke: createRevokeApiKeyService({ database, logger: silentLogger }),
    },
    listRepositories: createListRepositoriesService({ ...access, hide: () => undefined }),
    browseSentry: createBrowseSentryService(access),
  };
}
