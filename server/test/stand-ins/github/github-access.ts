import { askForCredential } from '../forge-repositories.ts';
import type { GitAccess, GitRefusal } from '../forge-repositories.ts';
import {
  findMovedRepository,
  findRepository,
  findToken,
  fullName,
  isRoleAtLeast,
  roleOf,
} from './github-state.ts';
import type {
  GithubPermissions,
  GithubRepository,
  GithubResource,
  GithubRole,
  GithubToken,
  GithubState,
} from './github-state.ts';
import { GithubRefusal, missingRole, notFound } from './github-refusal.ts';

/** What a request wants to do with a repository. */
export type GithubNeed = {
  /** One of these is enough: labels of a pull request are both `issues` and `pull_requests`. */
  readonly resources: readonly GithubResource[];
  readonly level: 'read' | 'write';
  /** What the token's owner has to be; `read` where it is not said. */
  readonly role?: GithubRole;
};

/** What the owner of a token may do with a repository; an app may write all that it is installed on. */
export function tokenRole(token: GithubToken | undefined, repository: GithubRepository): GithubRole {
  const open = repository.isPrivate ? 'none' : 'read';
  if (token === undefined) return open;
  const { installation } = token;
  if (installation === undefined) return roleOf(repository, token.account);
  const isInstalled =
    installation.account.id === repository.owner.id &&
    (installation.repositories?.has(repository.id) ?? true) &&
    (token.repositories?.has(repository.id) ?? true);
  return isInstalled ? 'write' : open;
}

/** Whether GitHub lets this token know that the repository exists. */
export function canSee(token: GithubToken | undefined, repository: GithubRepository): boolean {
  if (!repository.isPrivate) return true;
  if (token === undefined || tokenRole(token, repository) === 'none') return false;
  if (token.kind === 'classic') return token.scopes.includes('repo');
  return token.repositories?.has(repository.id) ?? true;
}

/**
 * Throws what GitHub answers where this token may not do this with this repository. First whether it may know
 * of it, then the token's own limits, then its owner's role, then the archive.
 */
export function demand(token: GithubToken | undefined, repository: GithubRepository, need: GithubNeed): void {
  if (!canSee(token, repository)) throw notFound();
  if (!isGranted(token, repository, need)) throw refuseToken(token, need);
  const role = tokenRole(token, repository);
  if (!isRoleAtLeast(role, need.role ?? 'read')) throw missingRole();
  if (need.level === 'write' && repository.isArchived)
    throw new GithubRefusal(403, 'Repository was archived so is read-only.');
}

function isGranted(token: GithubToken | undefined, repository: GithubRepository, need: GithubNeed): boolean {
  if (need.level === 'read' && !repository.isPrivate) return true;
  if (token === undefined) return false;
  if (token.kind === 'classic')
    return token.scopes.includes('repo') || (!repository.isPrivate && token.scopes.includes('public_repo'));
  if (token.repositories !== undefined && !token.repositories.has(repository.id)) return false;
  return need.resources.some((resource) => hasPermission(token.permissions, resource, need.level));
}

function hasPermission(
  permissions: GithubPermissions,
  resource: GithubResource,
  level: 'read' | 'write',
): boolean {
  const given = permissions[resource];
  // Whoever is given anything may read the metadata.
  if (resource === 'metadata' && level === 'read') return true;
  return given === 'write' || (given === 'read' && level === 'read');
}

function refuseToken(token: GithubToken | undefined, need: GithubNeed): GithubRefusal {
  if (token === undefined) return new GithubRefusal(401, 'Requires authentication');
  // A classic token without the scope is told that there is nothing.
  if (token.kind === 'classic') return notFound();
  const accepted = need.resources.map((resource) => `${resource}=${need.level}`).join('; ');
  const who = token.kind === 'installation' ? 'integration' : 'personal access token';
  return new GithubRefusal(403, `Resource not accessible by ${who}`, {
    headers: { 'x-accepted-github-permissions': accepted },
  });
}

/**
 * Decides on a request of git, as github.com does: 401 as long as there is no credential that could be right,
 * 404 for what the token may not know of, 403 for what it may not do; what was renamed leads on.
 */
export function authorizeGit(state: GithubState, access: GitAccess): GitRefusal | undefined {
  const present = findRepository(state, access.path);
  const repository = present ?? findMovedRepository(state, access.path);
  const refusal = refuseGit(state, repository, access);
  if (refusal !== undefined || repository === undefined || present !== undefined) return refusal;
  const location = access.url.replace(access.path, fullName(repository));
  return { status: 301, body: '', headers: { location: `${state.origin()}${location}` } };
}

function refuseGit(
  state: GithubState,
  repository: GithubRepository | undefined,
  { action, password }: GitAccess,
): GitRefusal | undefined {
  if (password === undefined) {
    const isOpen = repository !== undefined && !repository.isPrivate && action === 'read';
    return isOpen ? undefined : askForCredential('GitHub', 'Repository not found.\n');
  }
  const token = findToken(state, password);
  if (token === undefined)
    return askForCredential(
      'GitHub',
      'Invalid username or token. Password authentication is not supported for Git operations.\n',
    );
  if (repository === undefined || !canSee(token, repository))
    return { status: 404, body: 'Repository not found.\n' };
  return refuseGitToken(token, repository, action);
}

function refuseGitToken(
  token: GithubToken,
  repository: GithubRepository,
  action: 'read' | 'write',
): GitRefusal | undefined {
  const need: GithubNeed = { resources: ['contents'], level: action };
  const denied = `Permission to ${fullName(repository)}.git denied to ${token.account.login}.\n`;
  if (!isGranted(token, repository, need)) {
    const body =
      action === 'write' && token.kind !== 'classic' ? 'Write access to repository not granted.\n' : denied;
    return { status: 403, body };
  }
  if (action === 'read') return undefined;
  if (!isRoleAtLeast(tokenRole(token, repository), 'write')) return { status: 403, body: denied };
  if (repository.isArchived)
    return { status: 403, body: 'This repository was archived so it is read-only.\n' };
  return undefined;
}
