import { fieldOf, objectField, textField } from '../../lib/json-fields.ts';
import type { Secret } from '../../lib/secret.ts';
import { needFlag, needList, needObject, needText } from '../forge-answer.ts';
import type { ForgeCall } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';
import type { ForgeRepository, RepositoryAccess, TokenOwner } from '../forge.ts';
import { mostPerPage } from './github-pages.ts';

/**
 * The API's path of a repository. Throws `not_found` for a path that no repository has: `..` would lead to
 * another place of the API.
 */
export function repositoryPath(http: ForgeHttp, { path, token }: RepositoryAccess): string {
  const parts = path.split('/');
  const isName = (part: string): boolean => /^[A-Za-z0-9._-]{1,100}$/u.test(part) && !/^\.{1,2}$/u.test(part);
  if (parts.length === 2 && parts.every(isName)) return `/repos/${path}`;
  const why = 'its path has not the form `owner/name`. Check the address.';
  throw http.error({ doing: `find the repository ${path}`, token }, { code: 'not_found', why });
}

/** A repository under its present name; see `Forge.findRepository`. */
export async function findRepository(
  http: ForgeHttp,
  access: RepositoryAccess,
  signal: AbortSignal,
): Promise<ForgeRepository> {
  const call: ForgeCall = {
    operation: 'find_repository',
    doing: `find the repository ${access.path}`,
    path: repositoryPath(http, access),
    token: access.token,
    signal,
  };
  return http.ask(call, readRepository);
}

/** One page of the repositories of a token; see `Forge.listRepositories`. */
export async function listRepositories(
  http: ForgeHttp,
  token: Secret,
  page: { readonly page: number; readonly perPage: number },
  signal: AbortSignal,
): Promise<readonly ForgeRepository[]> {
  const about = { operation: 'list_repositories', doing: 'list repositories', token, signal };
  const paging = { page: page.page, per_page: Math.min(page.perPage, mostPerPage) };
  const call: ForgeCall = {
    ...about,
    path: '/user/repos',
    query: { ...paging, sort: 'updated', direction: 'desc' },
  };
  const answer = await http.send(call);
  if (answer.status === 200) return http.read(call, answer, (body) => needList(body).map(readRepository));
  if (answer.status !== 403) throw http.refusal(call, answer);
  // A token of an app's installation belongs to no user: it has a list of its own, which cannot be sorted.
  const own: ForgeCall = { ...about, path: '/installation/repositories', query: paging };
  const second = await http.send(own);
  if (second.status !== 200) throw http.refusal(call, answer);
  return http.read(own, second, (body) => installationRepositories(body).map(readRepository));
}

/** Whose token it is; see `Forge.verifyToken`. An installation's is the account's that the app is installed on. */
export async function verifyToken(http: ForgeHttp, token: Secret, signal: AbortSignal): Promise<TokenOwner> {
  const about = { operation: 'verify_token', doing: 'verify the token', token, signal };
  const call: ForgeCall = { ...about, path: '/user' };
  const answer = await http.send(call);
  if (answer.status === 200) {
    return http.read(call, answer, (body, headers) => ({
      username: needText(body, 'login'),
      email: textField(body, 'email'),
      // Classic tokens only: for the others GitHub has no way to ask.
      scopes: headers.get('x-oauth-scopes') ?? '',
    }));
  }
  if (answer.status !== 403) throw http.refusal(call, answer);
  const own: ForgeCall = { ...about, path: '/installation/repositories', query: { per_page: 1 } };
  const second = await http.send(own);
  if (second.status !== 200) throw http.refusal(call, answer);
  return http.read(own, second, (body) => {
    const [first] = installationRepositories(body);
    const owner = first === undefined ? '' : needText(objectField(first, 'owner'), 'login');
    return { username: owner, email: '', scopes: '' };
  });
}

function installationRepositories(body: unknown): readonly unknown[] {
  return needList(fieldOf(body, 'repositories'), 'repositories');
}

function readRepository(body: unknown): ForgeRepository {
  const repository = needObject(body, 'the repository');
  const canPush = fieldOf(objectField(repository, 'permissions'), 'push');
  const defaultBranch = textField(repository, 'default_branch');
  return {
    name: needText(repository, 'name'),
    fullName: needText(repository, 'full_name'),
    cloneUrl: needText(repository, 'clone_url'),
    defaultBranch: defaultBranch === '' ? undefined : defaultBranch,
    isPrivate: needFlag(repository, 'private'),
    isArchived: fieldOf(repository, 'archived') === true,
    canPush: typeof canPush === 'boolean' ? canPush : undefined,
    description: textField(repository, 'description'),
    updatedAt: needText(repository, 'updated_at'),
  };
}
