/** What the operator allows beside https. */
export type RepositoryUrlPolicy = { readonly allowFile: boolean; readonly allowHttp: boolean };

export type RepositoryUrl = {
  readonly kind: 'https' | 'http' | 'file';
  /**
   * What one repository is known by: lower-case host, no default port, no credentials, no `.git` and no
   * slash at its end. Parsing it again gives the same.
   */
  readonly canonical: string;
  /** Host and, where it is not the default one, port; empty for `file`. */
  readonly host: string;
  /** Without the leading slash and the `.git` at its end, as it stands in `canonical`. */
  readonly path: string;
  /** The last part of the path, for people. */
  readonly name: string;
  /** The address to fetch from and to show: as `canonical`, but with the `.git` that was given. */
  readonly publicUrl: string;
};

export type RepositoryUrlReason =
  | 'empty'
  | 'too_long'
  | 'control_characters'
  | 'leading_dash'
  | 'not_a_url'
  | 'ssh'
  | 'scheme'
  | 'file_not_allowed'
  | 'http_not_allowed'
  | 'credentials'
  | 'query'
  | 'path';

/** The address of a repository was refused. The message never repeats the address: it may hold a token. */
export class RepositoryUrlRefused extends Error {
  readonly reason: RepositoryUrlReason;

  constructor(reason: RepositoryUrlReason, message: string) {
    super(message);
    this.name = 'RepositoryUrlRefused';
    this.reason = reason;
  }
}

const maxLength = 2000;

/** Reads the address of a repository; throws `RepositoryUrlRefused`. */
export function parseRepositoryUrl(text: string, policy: RepositoryUrlPolicy): RepositoryUrl {
  refuseBadText(text);
  const kind = schemeOf(text, policy);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) refuse('not_a_url', 'is not a valid URL');
  if (url.username !== '' || url.password !== '' || authorityOf(text).includes('@')) {
    refuse('credentials', 'must not contain a user name or token: give the token separately');
  }
  if (text.includes('?') || text.includes('#')) refuse('query', 'must not contain "?" or "#"');
  if (kind === 'file' && url.host !== '') refuse('path', 'must have the form file:///path');
  const given = trimSlashes(url.pathname);
  const path = trimPath(given);
  if (path === '' || !isDecodable(path)) refuse('path', 'must contain the path of a repository');
  const origin = kind === 'file' ? 'file://' : `${kind}://${url.host}`;
  return {
    kind,
    canonical: `${origin}/${path}`,
    host: url.host,
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    publicUrl: `${origin}/${given === `${path}.git` ? given : path}`,
  };
}

function refuseBadText(text: string): void {
  if (text === '') refuse('empty', 'must not be empty');
  if (text.length > maxLength) refuse('too_long', `must have at most ${maxLength} characters`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f-\u009f\\]|\p{Zs}|\p{Zl}|\p{Zp}|\p{Cf}|\p{Cs}/u.test(text)) {
    refuse('control_characters', 'must not contain spaces, control characters or backslashes');
  }
  if (text.startsWith('-')) refuse('leading_dash', 'must not begin with a dash');
}

function schemeOf(text: string, policy: RepositoryUrlPolicy): RepositoryUrl['kind'] {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'https') return 'https';
  if (scheme === 'http') {
    if (!policy.allowHttp)
      refuse('http_not_allowed', 'must be an https:// URL: the operator does not allow http://');
    return 'http';
  }
  if (scheme === 'file') {
    if (!policy.allowFile)
      refuse('file_not_allowed', 'must be an https:// URL: the operator does not allow file://');
    return 'file';
  }
  if (scheme === 'ssh' || scheme === 'git+ssh' || scheme === 'ssh+git' || isScpForm(text)) {
    refuse('ssh', 'must be an https:// URL: ssh is not supported yet');
  }
  return refuse('scheme', 'must be an https:// URL');
}

/** `user@host:path`, which git takes for ssh. */
function isScpForm(text: string): boolean {
  return /^[^/:]+@[^/:]+:[^:]/u.test(text);
}

function authorityOf(text: string): string {
  return /^[^:]*:\/\/([^/]*)/u.exec(text)?.[1] ?? '';
}

function trimSlashes(path: string): string {
  return path.replaceAll(/\/{2,}/gu, '/').replaceAll(/^\/|\/$/gu, '');
}

/** Cut until nothing changes, so that a canonical address is its own canonical address. */
function trimPath(path: string): string {
  const shorter = trimSlashes(path.replace(/\.git$/u, ''));
  return shorter === path ? path : trimPath(shorter);
}

/** A path that git could decode to something else than bytes of a name (a NUL, a line break) is refused. */
function isDecodable(path: string): boolean {
  try {
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    return !/[\u0000-\u001f\u007f]/u.test(decodeURIComponent(path));
  } catch {
    return false;
  }
}

function refuse(reason: RepositoryUrlReason, message: string): never {
  throw new RepositoryUrlRefused(reason, message);
}
