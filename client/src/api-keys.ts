import type { ApiKeyInput, ApiKeyList, CreatedApiKey, RevokedApiKey } from './api-types.ts';
import type { RequestOptions } from './request-options.ts';
import { pathPart, read, type Transport } from './transport.ts';

/** Keys that open the server for people and programs; for administrators. */
export type ApiKeys = {
  /** Makes a key, which the answer shows this once. A name that the owner uses already is a 409. */
  readonly create: (input: ApiKeyInput, options?: RequestOptions) => Promise<CreatedApiKey>;
  readonly list: (options?: RequestOptions) => Promise<ApiKeyList>;
  readonly revoke: (id: string, options?: RequestOptions) => Promise<RevokedApiKey>;
};

export function createApiKeys(transport: Transport): ApiKeys {
  return {
    // Done twice, the second would be told that the name is taken, and nobody would have the key.
    create: (input, { signal } = {}) =>
      transport.json({ method: 'POST', path: 'api/v1/api-keys', body: input, repeatable: false, signal }),
    list: ({ signal } = {}) => transport.json(read('api/v1/api-keys', signal)),
    revoke: async (id, { signal } = {}) =>
      transport.json({
        method: 'DELETE',
        path: `api/v1/api-keys/${pathPart(id)}`,
        repeatable: false,
        signal,
      }),
  };
}
