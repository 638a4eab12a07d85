import { scopeCovers, type KeyProvider } from './key.ts';

/** The providers whose keys are for an API: a private key is for git alone. */
export type ApiProvider = Exclude<KeyProvider, 'ssh'>;

/** A key for an API, without its token. */
export type ApiKey = { readonly name: string; readonly provider: ApiProvider; readonly scope: string };

/**
 * Whether a request may carry a key. `covered` with the address to send to, which is the given one or says more
 * exactly what is meant. `by_issue`: covered if the issue turns out to be of this project, which Sentry's addresses
 * do not tell.
 */
export type KeyReach =
  | { readonly kind: 'covered'; readonly url: URL }
  | { readonly kind: 'by_issue'; readonly url: URL; readonly issue: SentryIssue }
  | { readonly kind: 'refused'; readonly problem: string };

export type SentryIssue = { readonly org: string; readonly project: string; readonly issue: string };

/**
 * Judges an address that a key's owner named. A token goes to its provider's configured origin and to nothing that
 * only looks like it, and within that origin not beyond the key's scope. `apiUrl` is the provider's API.
 */
export function keyReach(key: ApiKey, url: URL, apiUrl: string): KeyReach {
  const api = new URL(apiUrl);
  if (url.origin !== api.origin) {
    return refused(
      `${key.name} is a ${key.provider} key for ${api.origin}, and is not sent to ${url.origin}`,
    );
  }
  if (key.scope === '') return { kind: 'covered', url };
  const path = pathBelow(url, api);
  if (path === undefined) return refused(`${key.name} is for ${key.scope}: ${shapes[key.provider]}`);
  return key.provider === 'sentry' ? sentryReach(key, { url, api, path }) : forgeReach(key, url, path);
}

/** What an address has to look like for a key with a scope. */
const shapes: Readonly<Record<ApiProvider, string>> = {
  github: 'it is sent to addresses below /repos/OWNER/REPO only',
  gitlab: "it is sent to addresses below /projects/ and the project's encoded path only",
  sentry: 'it is sent to addresses of that organization, its projects and issues only',
};

function refused(problem: string): KeyReach {
  return { kind: 'refused', problem };
}

/**
 * The words of the address behind the API's own, decoded; undefined where it lies elsewhere, or where a server could
 * come to another place than the one that is read here.
 */
function pathBelow(url: URL, api: URL): readonly string[] | undefined {
  const prefix = `${api.pathname.replace(/\/+$/u, '')}/`;
  if (!url.pathname.startsWith(prefix)) return undefined;
  const words = url.pathname.slice(prefix.length).split('/').map(decoded);
  const known = words.filter((word) => word !== undefined);
  return known.length === words.length ? known : undefined;
}

/** Undefined for what does not decode, or has a step in it that leads away from where it stands. */
function decoded(word: string): string | undefined {
  try {
    const text = decodeURIComponent(word);
    const isStraight = !/[\\\p{Cc}]/u.test(text) && !text.split('/').some((part) => /^\.{1,2}$/u.test(part));
    return isStraight ? text : undefined;
  } catch {
    return undefined;
  }
}

function forgeReach(key: ApiKey, url: URL, [kind, ...rest]: readonly string[]): KeyReach {
  const [first = '', second = ''] = rest;
  // Of GitLab, a project's number says nothing about where it lies.
  const { collection, path, form } =
    key.provider === 'github'
      ? { collection: 'repos', path: `${first}/${second}`, form: /^[^/]+\/[^/]+$/u }
      : { collection: 'projects', path: first, form: /^[^/]+(?:\/[^/]+)+$/u };
  if (kind !== collection || !form.test(path))
    return refused(`${key.name} is for ${key.scope}: ${shapes[key.provider]}`);
  if (scopeCovers(key, { host: url.host, path })) return { kind: 'covered', url };
  return refused(`${key.name} is for ${key.scope}, not for ${path}`);
}

type SentryAsked = { readonly url: URL; readonly api: URL; readonly path: readonly string[] };

/** An issue is asked for in the organization that the key is for: elsewhere Sentry does not find it. */
function sentryReach(key: ApiKey, { url, api, path }: SentryAsked): KeyReach {
  const [org = '', project] = key.scope.split('/');
  const [kind, ...rest] = path;
  const issuePath =
    kind === 'issues' ? rest : kind === 'organizations' && rest[1] === 'issues' ? rest.slice(2) : [];
  const [issue = ''] = issuePath;
  if (kind !== 'issues' && rest[0] !== org) {
    return refused(`${key.name} is for ${key.scope}: ${shapes.sentry}`);
  }
  if (kind === 'projects') {
    if (project === undefined || rest[1] === project) return { kind: 'covered', url };
    return refused(`${key.name} is for ${key.scope}, not for ${rest.slice(0, 2).join('/')}`);
  }
  if (/^[A-Za-z0-9_-]+$/u.test(issue)) {
    const exact = new URL(url);
    const words = ['organizations', org, 'issues', ...issuePath].map(encodeURIComponent);
    exact.pathname = `${api.pathname.replace(/\/+$/u, '')}/${words.join('/')}`;
    if (project === undefined) return { kind: 'covered', url: exact };
    return { kind: 'by_issue', url: exact, issue: { org, project, issue } };
  }
  const isOfOrganization = kind === 'organizations' && project === undefined;
  return isOfOrganization
    ? { kind: 'covered', url }
    : refused(`${key.name} is for ${key.scope}: ${shapes.sentry}`);
}
