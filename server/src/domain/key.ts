/** What a stored key is for: the token of a forge or of Sentry, or a private key that git uses over ssh. */
export const keyProviders = ['github', 'gitlab', 'sentry', 'ssh'] as const;
export type KeyProvider = (typeof keyProviders)[number];

/** Of keys, and of whatever else people name: letters, digits, `-`, `_`. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,100}$/u.test(text) && text !== 'catalog';
}

/** The longest scope that is taken, in characters. */
export const scopeMaxLength = 500;

/** Words of a path without `.` and `..`; GitLab's groups may have groups. */
const pathScope = /^(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.~-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.~-]+)*$/u;
const hostScope = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$/u;

/** An organization or a project of Sentry by its slug, which is what addresses have. */
export function isSentrySlug(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/u.test(text);
}

/** Why this cannot be the scope of such a key; undefined: it can. Empty is no limit. */
export function scopeProblem(provider: KeyProvider, scope: string): string | undefined {
  if (scope === '') return undefined;
  if (scope.length > scopeMaxLength) return 'exceeds maximum length';
  if (provider === 'ssh') {
    const [host = '', ...path] = scope.split('/');
    const isFine = hostScope.test(host) && (path.length === 0 || pathScope.test(path.join('/')));
    return isFine ? undefined : 'must be a host in lower case, or host/path';
  }
  if (provider === 'gitlab')
    return pathScope.test(scope) ? undefined : 'must be a group, with its sub-groups, or group/project';
  if (provider === 'sentry') {
    const slugs = scope.split('/');
    const isFine = slugs.length <= 2 && slugs.every(isSentrySlug);
    return isFine ? undefined : 'must be an organization or organization/project, by their slugs';
  }
  const isFine = pathScope.test(scope) && scope.split('/').length <= 2;
  return isFine ? undefined : 'must be an owner or owner/repo';
}

/** A repository as scopes see it: `host` with its port, `path` without `.git`. */
export type ScopedRepository = { readonly host: string; readonly path: string };

/**
 * Whether a key with this scope is for the repository: the scope's words are the first ones of its path, each
 * as a whole. Upper and lower case are the same to forges; to an ssh host they may not be.
 */
export function scopeCovers(
  key: { readonly provider: KeyProvider; readonly scope: string },
  repository: ScopedRepository,
): boolean {
  if (key.scope === '') return true;
  if (key.provider === 'ssh') return beginsWith(`${repository.host}/${repository.path}`, key.scope);
  return beginsWith(repository.path.toLowerCase(), key.scope.toLowerCase());
}

function beginsWith(path: string, beginning: string): boolean {
  return path === beginning || path.startsWith(`${beginning}/`);
}
