import type { CreatedKey, DeletedKey, InvalidKey, KeyInput, KeyList, ValidKey } from './api-types.ts';
import type { CreateOptions, RequestOptions } from './request-options.ts';
import { idempotent, pathPart, read, type Transport } from './transport.ts';

/** What a provider says of a token. */
export type KeyVerdict = ValidKey | InvalidKey;

/** Stored tokens for code hosts and for Sentry. The server never gives a token back. */
export type Keys = {
  /** Stores a token under a name of its own; a taken name is a 409. */
  readonly create: (input: KeyInput, options?: CreateOptions) => Promise<CreatedKey>;
  readonly list: (options?: RequestOptions) => Promise<KeyList>;
  /** Asks the provider whose the token is. One that it does not take is an answer, not an error. */
  readonly verify: (name: string, options?: RequestOptions) => Promise<KeyVerdict>;
  readonly delete: (name: string, options?: RequestOptions) => Promise<DeletedKey>;
};

export function createKeys(transport: Transport): Keys {
  return {
    create: (input, options = {}) => transport.json(idempotent('api/v1/keys', input, options)),
    list: ({ signal } = {}) => transport.json(read('api/v1/keys', signal)),
    verify: async (name, { signal } = {}) =>
      transport.json({ ...read(`${keyPath(name)}/verify`, signal), answers: [422] }),
    // Done twice, the second would be told that there is no such key.
    delete: async (name, { signal } = {}) =>
      transport.json({ method: 'DELETE', path: keyPath(name), repeatable: false, signal }),
  };
}

function keyPath(name: string): string {
  return `api/v1/keys/${pathPart(name)}`;
}
