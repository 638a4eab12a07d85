import { invalidField } from '../domain/errors.ts';
import { scopeCovers } from '../domain/key.ts';
import type { Forge, ForgeRepository } from '../forges/forge.ts';
import type { Secret } from '../lib/secret.ts';
import type { Viewer } from '../store/tasks.ts';
import { forgeNamed, openKey, refusalOf, type ForgeAccess } from './forge-access.ts';

/** Whose repositories: those that a stored key opens, or a token that the caller brings. */
export type RepositorySource =
  | { readonly kind: 'key'; readonly name: string }
  | { readonly kind: 'token'; readonly provider: 'github' | 'gitlab'; readonly token: Secret };

export type ListRepositoriesDeps = ForgeAccess & {
  /** Told of a token that the caller brings, so that no log holds it. */
  readonly hide: (token: Secret) => void;
};

/** `page` from 1 on. */
export type RepositoryPageWish = { readonly page: number; readonly perPage: number };

export type RepositoryPage = {
  readonly provider: 'github' | 'gitlab';
  readonly repositories: readonly ForgeRepository[];
};

/** Forges give at most so many at a time. */
const largestPage = 100;
/** A key with a scope is looked for in the 2,000 repositories that changed last. */
const scopedPages = 20;

/**
 * A page of the repositories that a token reaches, the one changed last first; of a key with a scope, only
 * those in it.
 *
 * @throws Refusal `not_found` for the key, `invalid` for one that opens no forge, `upstream_failed` where the
 * forge fails or refuses the token.
 */
export function createListRepositoriesService(deps: ListRepositoriesDeps) {
  return async (
    viewer: Viewer,
    source: RepositorySource,
    wish: RepositoryPageWish,
    signal: AbortSignal,
  ): Promise<RepositoryPage> => {
    const { provider, token, scope } = await accessOf(deps, viewer, source);
    const forge = forgeNamed(deps, provider);
    try {
      const repositories =
        scope === ''
          ? await forge.listRepositories(token, wish, signal)
          : await scopedPage(forge, { token, scope, provider }, wish, signal);
      return { provider, repositories };
    } catch (error) {
      throw refusalOf(deps, error);
    }
  };
}

type Access = {
  readonly provider: 'github' | 'gitlab';
  readonly token: Secret;
  readonly scope: string;
};

async function accessOf(
  deps: ListRepositoriesDeps,
  viewer: Viewer,
  source: RepositorySource,
): Promise<Access> {
  if (source.kind === 'token') {
    deps.hide(source.token);
    return { provider: source.provider, token: source.token, scope: '' };
  }
  const { key, token } = await openKey(deps, viewer, source.name);
  if (key.provider === 'ssh' || key.provider === 'sentry') {
    const kind = key.provider === 'ssh' ? 'an ssh' : 'a sentry';
    throw invalidField('provider_key', `${key.name} is ${kind} key, which lists no repositories`);
  }
  return { provider: key.provider, token, scope: key.scope };
}

/** The forge knows nothing of scopes: its pages are read from the first on until the wanted one is full. */
async function scopedPage(
  forge: Forge,
  { token, ...key }: Access,
  { page, perPage }: RepositoryPageWish,
  signal: AbortSignal,
): Promise<readonly ForgeRepository[]> {
  const found: ForgeRepository[] = [];
  const host = forge.host ?? '';
  for (let number = 1; number <= scopedPages && found.length < page * perPage; number += 1) {
    const some = await forge.listRepositories(token, { page: number, perPage: largestPage }, signal);
    found.push(...some.filter(({ fullName: path }) => scopeCovers(key, { host, path })));
    if (some.length < largestPage) break;
  }
  return found.slice((page - 1) * perPage, page * perPage);
}
