import { canSee, tokenRole } from './github-access.ts';
import { fullName, isRoleAtLeast } from './github-state.ts';
import type { GithubAccount, GithubRepository, GithubToken, GithubState } from './github-state.ts';

/** Who is shown something, and under which address of the API. */
export type View = {
  readonly state: GithubState;
  /** Without a slash at its end. */
  readonly api: string;
  readonly token: GithubToken | undefined;
};

/** JSON for an answer. */
export type Rendered = Readonly<Record<string, unknown>>;

/** Milliseconds of the epoch as GitHub writes times: to the second. */
export function renderTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/u, 'Z');
}

export function nodeId(kind: string, id: number): string {
  return Buffer.from(`${kind}${id}`).toString('base64');
}

/** An account where it stands beside something else. */
export function renderAccount(view: View, account: GithubAccount): Rendered {
  // An app's login has brackets: `slipway[bot]`.
  const login = encodeURIComponent(account.login);
  const url = `${view.api}/users/${login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId('U', account.id),
    avatar_url: `${view.state.origin()}/avatars/u/${account.id}?v=4`,
    gravatar_id: '',
    url,
    html_url: `${view.state.origin()}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.type,
    site_admin: false,
  };
}

/** The token's own account. Numbers of private things only for a token that may read the account. */
export function renderOwnAccount(view: View, token: GithubToken): Rendered {
  const { account } = token;
  const isPrivate = token.kind === 'classic' && token.scopes.includes('user');
  return {
    ...renderAccount(view, account),
    user_view_type: isPrivate ? 'private' : 'public',
    name: account.name,
    company: null,
    blog: '',
    location: null,
    email: account.email,
    hireable: null,
    bio: null,
    twitter_username: null,
    public_repos: 1,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: renderTime(0),
    updated_at: renderTime(0),
    ...(isPrivate ? privateNumbers : {}),
  };
}

const privateNumbers = {
  private_gists: 0,
  total_private_repos: 0,
  owned_private_repos: 0,
  disk_usage: 0,
  collaborators: 0,
  two_factor_authentication: true,
};

/** Addresses of a repository's parts, by the name of the field and what follows the repository's own. */
const links = {
  forks_url: 'forks',
  keys_url: 'keys{/key_id}',
  collaborators_url: 'collaborators{/collaborator}',
  teams_url: 'teams',
  hooks_url: 'hooks',
  issue_events_url: 'issues/events{/number}',
  events_url: 'events',
  assignees_url: 'assignees{/user}',
  branches_url: 'branches{/branch}',
  tags_url: 'tags',
  blobs_url: 'git/blobs{/sha}',
  git_tags_url: 'git/tags{/sha}',
  git_refs_url: 'git/refs{/sha}',
  trees_url: 'git/trees{/sha}',
  statuses_url: 'statuses/{sha}',
  languages_url: 'languages',
  stargazers_url: 'stargazers',
  contributors_url: 'contributors',
  subscribers_url: 'subscribers',
  subscription_url: 'subscription',
  commits_url: 'commits{/sha}',
  git_commits_url: 'git/commits{/sha}',
  comments_url: 'comments{/number}',
  issue_comment_url: 'issues/comments{/number}',
  contents_url: 'contents/{+path}',
  compare_url: 'compare/{base}...{head}',
  merges_url: 'merges',
  archive_url: '{archive_format}{/ref}',
  downloads_url: 'downloads',
  issues_url: 'issues{/number}',
  pulls_url: 'pulls{/number}',
  milestones_url: 'milestones{/number}',
  notifications_url: 'notifications{?since,all,participating}',
  labels_url: 'labels{/name}',
  releases_url: 'releases{/id}',
  deployments_url: 'deployments',
};

/** A repository's address in the API. */
export function repositoryUrl(view: View, repository: GithubRepository): string {
  return `${view.api}/repos/${fullName(repository)}`;
}

/** A repository as lists have it, and pull requests at both of their ends. */
export function renderRepository(view: View, repository: GithubRepository): Rendered {
  const { state, token } = view;
  const path = fullName(repository);
  const url = repositoryUrl(view, repository);
  const page = `${state.origin()}/${path}`;
  const open = repository.pulls.filter(({ state }) => state === 'open').length;
  const forks = [...state.repositories.values()].filter(({ parentId }) => parentId === repository.id).length;
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: path,
    private: repository.isPrivate,
    owner: renderAccount(view, repository.owner),
    html_url: page,
    description: null,
    fork: repository.parentId !== undefined,
    url,
    ...Object.fromEntries(Object.entries(links).map(([name, rest]) => [name, `${url}/${rest}`])),
    created_at: renderTime(repository.createdAt),
    updated_at: renderTime(repository.updatedAt),
    pushed_at: renderTime(repository.updatedAt),
    git_url: `git:${page.slice(page.indexOf(':') + 1)}.git`,
    ssh_url: `git@${new URL(page).hostname}:${path}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    ...unused,
    forks_count: forks,
    forks,
    archived: repository.isArchived,
    open_issues_count: open,
    open_issues: open,
    allow_forking: true,
    visibility: repository.isPrivate ? 'private' : 'public',
    default_branch: repository.defaultBranch,
    ...(token === undefined ? {} : { permissions: renderPermissions(token, repository) }),
  };
}

const unused = {
  homepage: null,
  size: 1,
  stargazers_count: 0,
  watchers_count: 0,
  watchers: 0,
  language: null,
  has_issues: true,
  has_projects: true,
  has_downloads: true,
  has_wiki: true,
  has_pages: false,
  has_discussions: false,
  mirror_url: null,
  disabled: false,
  license: null,
  is_template: false,
  web_commit_signoff_required: false,
  topics: [],
};

/** The owner's role; GitHub leaves the token's own limits out of it. */
function renderPermissions(token: GithubToken, repository: GithubRepository): Rendered {
  const role = tokenRole(token, repository);
  return {
    admin: isRoleAtLeast(role, 'admin'),
    maintain: isRoleAtLeast(role, 'maintain'),
    push: isRoleAtLeast(role, 'write'),
    triage: isRoleAtLeast(role, 'triage'),
    pull: isRoleAtLeast(role, 'read'),
  };
}

/** A repository asked for by itself: with what it was forked from. */
export function renderFullRepository(view: View, repository: GithubRepository): Rendered {
  const { state } = view;
  const parent = repository.parentId === undefined ? undefined : state.repositories.get(repository.parentId);
  const shown =
    parent !== undefined && canSee(view.token, parent) ? renderRepository(view, parent) : undefined;
  return {
    ...renderRepository(view, repository),
    network_count: 0,
    subscribers_count: 0,
    ...(repository.owner.type === 'Organization'
      ? { organization: renderAccount(view, repository.owner) }
      : {}),
    ...(shown === undefined ? {} : { parent: shown, source: shown }),
  };
}
