import { fieldOf, listField, numberField, objectField, textField } from '../../lib/json-fields.ts';
import type { Secret } from '../../lib/secret.ts';
import { needList, needNumber, needObject, needText } from '../forge-answer.ts';
import type { ForgeCall } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';
import type { ForgeRepository, RepositoryAccess, TokenOwner } from '../forge.ts';

/** One GitLab: its HTTP, and the path of its host below which it lies, without slashes around; mostly empty. */
export type Gitlab = { readonly http: ForgeHttp; readonly root: string };

/** A project, by the number that it keeps when it is renamed or moved. */
export type GitlabProject = {
  readonly id: number;
  readonly hasMergeRequests: boolean;
  readonly repository: ForgeRepository;
};

/** GitLab gives no more on one page. */
const mostPerPage = 100;
/** Of the role Developer, the first that may push ("Members API": roles). */
const developerLevel = 30;

/**
 * A project under its present name; see `Forge.findRepository`. GitLab answers a read of an old path with a
 * redirect and refuses a write, so whoever writes asks for the number here first.
 */
export async function findProject(
  { http, root }: Gitlab,
  { path, token }: RepositoryAccess,
  signal: AbortSignal,
): Promise<GitlabProject> {
  const doing = `find the project ${path}`;
  const below = root !== '' && path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
  if (!isProjectPath(below)) {
    const why = 'its path has not the form `group/name`. Check the address.';
    throw http.error({ doing, token }, { code: 'not_found', why });
  }
  const call: ForgeCall = {
    operation: 'find_repository',
    doing,
    path: `/projects/${encodeURIComponent(below)}`,
    token,
    signal,
  };
  return http.ask(call, readProject);
}

/** Two parts or more; `..` would lead to another place of the API. */
function isProjectPath(path: string): boolean {
  const parts = path.split('/');
  const isName = (part: string): boolean =>
    /^[\p{L}\p{N}._-]{1,255}$/u.test(part) && !/^\.{1,2}$/u.test(part);
  return parts.length >= 2 && parts.every(isName);
}

/** One page of the projects that the owner of a token is a member of; see `Forge.listRepositories`. */
export async function listProjects(
  { http }: Gitlab,
  token: Secret,
  page: { readonly page: number; readonly perPage: number },
  signal: AbortSignal,
): Promise<readonly ForgeRepository[]> {
  const call: ForgeCall = {
    operation: 'list_repositories',
    doing: 'list projects',
    path: '/projects',
    query: {
      membership: true,
      order_by: 'last_activity_at',
      sort: 'desc',
      page: page.page,
      per_page: Math.min(page.perPage, mostPerPage),
    },
    token,
    signal,
  };
  return http.ask(call, (body) => needList(body).map((one) => readProject(one).repository));
}

/** Whose token it is; see `Forge.verifyToken`. Tokens of OAuth have scopes that GitLab does not tell here. */
export async function verifyToken({ http }: Gitlab, token: Secret, signal: AbortSignal): Promise<TokenOwner> {
  const about = { operation: 'verify_token', doing: 'verify the token', token, signal };
  const owner = await http.ask({ ...about, path: '/user' }, (body) => ({
    username: needText(body, 'username'),
    email: textField(body, 'email'),
  }));
  const self = await http.send({ ...about, path: '/personal_access_tokens/self' });
  const scopes = self.status === 200 ? listField(self.body, 'scopes') : [];
  return { ...owner, scopes: scopes.filter((scope) => typeof scope === 'string').join(', ') };
}

function readProject(body: unknown): GitlabProject {
  const project = needObject(body, 'the project');
  const defaultBranch = textField(project, 'default_branch');
  const isEmpty = defaultBranch === '' || fieldOf(project, 'empty_repo') === true;
  return {
    id: needNumber(project, 'id'),
    hasMergeRequests: fieldOf(project, 'merge_requests_enabled') !== false,
    repository: {
      name: needText(project, 'path'),
      fullName: needText(project, 'path_with_namespace'),
      cloneUrl: needText(project, 'http_url_to_repo'),
      // GitLab names the branch that the first push will make.
      defaultBranch: isEmpty ? undefined : defaultBranch,
      isPrivate: fieldOf(project, 'visibility') !== 'public',
      isArchived: fieldOf(project, 'archived') === true,
      canPush: canPush(project),
      description: textField(project, 'description'),
      updatedAt: needText(project, 'last_activity_at'),
    },
  };
}

/** Who is a member through an invited group has no level in either: that is not told. */
function canPush(project: unknown): boolean | undefined {
  const permissions = objectField(project, 'permissions');
  const levels = ['project_access', 'group_access']
    .map((name) => numberField(objectField(permissions, name), 'access_level'))
    .filter((level) => level !== undefined);
  return levels.length === 0 ? undefined : Math.max(...levels) >= developerLevel;
}
