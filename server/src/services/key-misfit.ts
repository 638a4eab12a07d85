import { scopeCovers, type KeyProvider } from '../domain/key.ts';
import type { RepositoryUrl } from '../domain/repository-url.ts';
import type { Forge } from '../forges/forge.ts';

/**
 * Why a key must not be used for a repository; undefined: it may. A token goes to its provider's one exact
 * host and to nothing that only looks like it (`forge` is the one that the repository lies on), a private key
 * is used over ssh, neither beyond its scope, and a token for Sentry is for no repository at all.
 */
export function keyMisfit(
  key: { readonly name: string; readonly provider: KeyProvider; readonly scope: string },
  repository: RepositoryUrl,
  forge: Pick<Forge, 'name'>,
): string | undefined {
  const { name, provider, scope } = key;
  if (provider === 'sentry') return `${name} is a sentry key, which opens no repository`;
  if (repository.kind === 'ssh' && provider !== 'ssh') {
    return `${name} is a ${provider} key, and git over ssh needs an ssh key; or give the repository's https:// address`;
  }
  if (repository.kind !== 'ssh' && provider === 'ssh') {
    return `${name} is an ssh key, and the repository's address is not one for ssh`;
  }
  if (provider !== 'ssh' && forge.name !== provider) {
    return `${name} is a ${provider} key, and the repository lies on ${placeOf(repository)}`;
  }
  if (!scopeCovers(key, repository)) {
    const place = provider === 'ssh' ? `${repository.host}/${repository.path}` : repository.path;
    return `${name} is for ${scope}, not for ${place}`;
  }
  return undefined;
}

function placeOf({ kind, host }: RepositoryUrl): string {
  if (kind === 'file') return 'the server itself';
  return kind === 'http' ? `http://${host}` : host;
}
