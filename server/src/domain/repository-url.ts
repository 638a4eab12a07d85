/** What the operator allows beside https. */
export type RepositoryUrlPolicy = {
  readonly allowFile: boolean;
  readonly allowHttp: boolean;
  /** Where the operator has pinned the keys of ssh hosts. */
  readonly allowSsh: boolean;
};

export type RepositoryUrl = {
  readonly kind: 'https' | 'http' | 'ssh' | 'file';
  /**
   * What one repository is known by: lower-case host, no default port, no credentials, no `.git` and no
   * slash at its end; over ssh always with the user's name, as `ssh://git@host/path`. Parsing it again gives
   * the same.
   */
  readonly canonical: string;
  /** Host and, where it is not the default one, port; empty for `file`. */
  readonly host: string;
  /** Without the leading slash and the `.git` at its end, as it stands in `canonical`. */
  readonly path: string;
  /** The last part of the path, for people. */
  readonly name: string;
  /**
   * The address to fetch from and to show: as `canonical`, but with the `.git` that was given. The form
   * `user@host:path` stays: its path begins at the user's home folder, that of `ssh://` at the root, and only
   * forges take both for one.
   */
  readonly publicUrl: string;
};

export type RepositoryUrlReason =
  | 'empty'
  | 'too_long'
  | 'control_characters'
  | 'leading_dash'
  | 'not_a_url'
  | 'scheme'
  | 'file_not_allowed'
  | 'http_not_allowed'
  | 'ssh_not_allowed'
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
  if (kind === 'ssh') return parseSsh(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) refuse('not_a_url', 'is not a valid URL');
  if (url.username !== '' || url.password !== '' || authorityOf(text).includes('@')) {
    refuse('credentials', 'must not contain a user name or token: give the token separately');
  }
  refuseQuery(text);
  if (kind === 'file' && url.host !== '') refuse('path', 'must have the form file:///path');
  const { path, shown } = pathOf(url);
  const origin = kind === 'file' ? 'file://' : `${kind}://${url.host}`;
  return {
    kind,
    canonical: `${origin}/${path}`,
    host: url.host,
    path,
    name: nameOf(path),
    publicUrl: `${origin}/${shown}`,
  };
}

const sshScheme = /^(?:ssh|git\+ssh|ssh\+git):\/\//iu;
/** `user@host:path`, which git takes for ssh. What is no scheme's `//` behind the colon is a path. */
const scpForm = /^(?<user>[^/:@]+)@(?<host>\[[^\]/]*\]|[^/:@[\]]+):(?!\/\/)(?<path>.+)$/u;
/** A name for a system's login, which cannot be taken for an option; most tokens are longer. */
const sshUser = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}$/u;
const sshHost = /^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?|\[[0-9a-f:.]+\])$/u;
const usualUser = 'git';
const noSsh =
  'must be an https:// URL: the operator does not allow ssh (that takes pinned host keys, SLIPWAY_SSH_KNOWN_HOSTS)';

/** Both forms of an address for ssh. The name of the user is a part of it; a password or a key is not. */
function parseSsh(text: string): RepositoryUrl {
  const scp = scpForm.exec(text)?.groups;
  if (scp !== undefined) refuseUnusualPath(scp['path'] ?? '');
  const whole =
    scp === undefined
      ? text.replace(sshScheme, 'ssh://')
      : `ssh://${scp['user']}@${scp['host']}/${scp['path']}`;
  const authority = authorityOf(whole);
  const user = authority.includes('@') ? authority.slice(0, authority.lastIndexOf('@')) : usualUser;
  if (!sshUser.test(user))
    refuse('credentials', 'must contain no more than the name of a user before its "@"');
  refuseQuery(text);
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  // Of schemes that it does not know, the parser leaves host and port as they are written.
  const name = url?.hostname.toLowerCase() ?? '';
  if (url === undefined || !sshHost.test(name)) {
    refuse('not_a_url', 'is not a valid URL: write ssh://git@host/path or git@host:path');
  }
  const host = url.port === '' || url.port === '22' ? name : `${name}:${url.port}`;
  const { path, shown } = pathOf(url);
  const isFromHome = scp !== undefined && !/^[/~]/u.test(scp['path'] ?? '');
  return {
    kind: 'ssh',
    canonical: `ssh://${user}@${host}/${path}`,
    host,
    path,
    name: nameOf(path),
    publicUrl: isFromHome ? `${user}@${host}:${shown}` : `ssh://${user}@${host}/${shown}`,
  };
}

/** Without a scheme a path is taken as it is, which the rest of an address is not: what both read alike is taken. */
function refuseUnusualPath(path: string): void {
  if (/^[A-Za-z0-9._~/+@=-]+$/u.test(path) && !/(?:^|\/)\.{1,2}(?:\/|$)/u.test(path)) return;
  refuse('path', 'has a path with unusual characters: write it as ssh://user@host/path');
}

function refuseQuery(text: string): void {
  if (text.includes('?') || text.includes('#')) refuse('query', 'must not contain "?" or "#"');
}

/** What is left of `...git`: a way up, and no name. */
const endsInDots = /(?:^|\/)(?:\.|%2e){1,2}$/iu;

/** The path that a repository is known by, and the one to show. */
function pathOf(url: URL): { path: string; shown: string } {
  const given = trimSlashes(url.pathname);
  const path = trimPath(given);
  if (path === '' || !isDecodable(path) || endsInDots.test(path)) {
    refuse('path', 'must contain the path of a repository');
  }
  return { path, shown: given === `${path}.git` ? given : path };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
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
  if (sshScheme.test(text) || scpForm.test(text)) {
    if (!policy.allowSsh) refuse('ssh_not_allowed', noSsh);
    return 'ssh';
  }
  return refuse('scheme', 'must be an https:// URL');
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
