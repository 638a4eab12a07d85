import { askForCredential } from '../forge-repositories.ts';
import type { GitAccess, GitRefusal } from '../forge-repositories.ts';
import { accessLevels, findProject, flawOf, levelIn } from './state.ts';
import type { State, Token } from './state.ts';

const denied =
  'HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect ' +
  "or you're required to use a token instead of a password. If a token was provided, it was either " +
  'incorrect, expired, or improperly scoped.\n';
const invisible =
  "The project you were looking for could not be found or you don't have permission to view it.\n";

/**
 * What GitLab says to a git request that it refuses; undefined for one that it takes. Any user name does
 * beside a personal token, `oauth2` beside one of OAuth. An address without `.git` leads to the one with it,
 * and a project that was moved is still served under its old path.
 */
export function refuseGit(state: State, access: GitAccess, now: number): GitRefusal | undefined {
  const [path = '', rest] = access.url.split(/\.git(?=\/)/u);
  if (rest === undefined) {
    const at = path.indexOf(`/${access.path}`) + access.path.length + 1;
    return { status: 301, body: '', headers: { location: `${path.slice(0, at)}.git${path.slice(at)}` } };
  }
  const project = findProject(state, access.path);
  const isOpen = project?.visibility === 'public';
  const token = access.password === undefined ? undefined : findToken(state, access, now);
  if (token === undefined) {
    if (access.password === undefined && isOpen && access.action === 'read') return undefined;
    return askForCredential('GitLab', denied);
  }
  const level = project === undefined ? 0 : levelIn(project, token.user);
  if (project === undefined || (!isOpen && level === 0)) return { status: 404, body: invisible };
  const mayRead = isOpen || level >= accessLevels.reporter;
  if (access.action === 'read')
    return mayRead && hasScope(token, ['api', 'read_repository', 'write_repository'])
      ? undefined
      : { status: 403, body: 'You are not allowed to download code from this project.\n' };
  const mayWrite = !project.isArchived && level >= accessLevels.developer;
  return mayWrite && hasScope(token, ['api', 'write_repository'])
    ? undefined
    : { status: 403, body: 'You are not allowed to push code to this project.\n' };
}

function findToken(state: State, { username, password }: GitAccess, now: number): Token | undefined {
  const token = state.tokens.find(({ value }) => value === password);
  if (token === undefined || flawOf(token, now) !== undefined) return undefined;
  return token.kind === 'oauth' && username !== 'oauth2' ? undefined : token;
}

function hasScope(token: Token, scopes: readonly string[]): boolean {
  return scopes.some((scope) => token.scopes.includes(scope));
}
