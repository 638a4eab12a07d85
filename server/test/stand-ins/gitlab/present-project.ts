import type {
  CurrentUserEntity,
  ProjectEntity,
  SimpleProjectEntity,
  TokenEntity,
  UserReference,
} from './entities.ts';
import { accessLevels, flawOf, levelIn } from './state.ts';
import type { Project, State, Token, User } from './state.ts';

/** A user as other entities name him. `web` is the instance's address for people. */
export function presentUser(web: string, user: User): UserReference {
  return {
    id: user.id,
    name: user.name,
    username: user.username,
    state: 'active',
    locked: false,
    avatar_url: `${web}/uploads/-/system/user/avatar/${user.id}/avatar.png`,
    web_url: `${web}/${user.username}`,
  };
}

/** The answer of `GET /user`. */
export function presentCurrentUser(web: string, user: User): CurrentUserEntity {
  const day = '2026-01-05';
  return {
    ...presentUser(web, user),
    created_at: `${day}T08:00:00.000Z`,
    locked: false,
    bio: '',
    bot: false,
    location: null,
    public_email: null,
    skype: '',
    linkedin: '',
    twitter: '',
    discord: '',
    website_url: '',
    pronouns: null,
    organization: '',
    job_title: '',
    work_information: null,
    followers: 0,
    following: 0,
    local_time: null,
    last_sign_in_at: `${day}T09:00:00.000Z`,
    confirmed_at: `${day}T08:00:00.000Z`,
    last_activity_on: day,
    email: user.email,
    commit_email: user.email,
    theme_id: 1,
    color_scheme_id: 1,
    projects_limit: 100_000,
    current_sign_in_at: `${day}T09:00:00.000Z`,
    identities: [],
    can_create_group: true,
    can_create_project: true,
    two_factor_enabled: true,
    external: false,
    private_profile: null,
    namespace_id: user.id,
  };
}

/** The answer of `GET /personal_access_tokens/self`. */
export function presentToken(token: Token, now: number): TokenEntity {
  return {
    id: token.id,
    name: `token ${token.id}`,
    description: null,
    revoked: token.isRevoked,
    created_at: '2026-01-05T08:00:00.000Z',
    scopes: [...token.scopes],
    user_id: token.user.id,
    last_used_at: new Date(now).toISOString(),
    active: flawOf(token, now) === undefined,
    expires_at: token.expiresAt ?? null,
  };
}

/** A project in a list with `simple=true`, or as the origin of a fork. */
export function presentSimpleProject(web: string, state: State, project: Project): SimpleProjectEntity {
  const name = lastPart(project.path);
  const groups = project.path.slice(0, -name.length - 1);
  const isUser = state.users.some(({ username }) => username === groups);
  return {
    id: project.id,
    description: project.description,
    name,
    name_with_namespace: project.path.split('/').join(' / '),
    path: name,
    path_with_namespace: project.path,
    created_at: project.createdAt,
    default_branch: project.defaultBranch ?? null,
    tag_list: [],
    topics: [],
    ssh_url_to_repo: `git@${new URL(web).hostname}:${project.path}.git`,
    http_url_to_repo: `${web}/${project.path}.git`,
    web_url: `${web}/${project.path}`,
    readme_url: null,
    forks_count: state.projects.filter(({ forkedFrom }) => forkedFrom === project).length,
    avatar_url: null,
    star_count: 0,
    last_activity_at: project.lastActivityAt,
    namespace: {
      id: project.id,
      name: lastPart(groups),
      path: lastPart(groups),
      kind: isUser ? 'user' : 'group',
      full_path: groups,
      parent_id: null,
      avatar_url: null,
      web_url: isUser ? `${web}/${groups}` : `${web}/groups/${groups}`,
    },
  };
}

/** A project for `user`, who may read it; undefined: a request without a token. */
export function presentProject(
  web: string,
  state: State,
  project: Project,
  user: User | undefined,
): ProjectEntity {
  const level = levelIn(project, user);
  const access = level === 0 ? null : { access_level: level, notification_level: 3 };
  const origin = project.forkedFrom;
  return {
    ...presentSimpleProject(web, state, project),
    ...fixedOfProject,
    empty_repo: project.defaultBranch === undefined,
    archived: project.isArchived,
    visibility: project.visibility,
    merge_requests_enabled: project.hasMergeRequests,
    can_create_merge_request_in: !project.isArchived && level >= accessLevels.reporter,
    creator_id: 1,
    updated_at: project.lastActivityAt,
    _links: linksOf(web, project),
    ...(user === undefined ? {} : { permissions: { project_access: access, group_access: null } }),
    ...(origin === undefined ? {} : { forked_from_project: presentSimpleProject(web, state, origin) }),
  };
}

const fixedOfProject = {
  import_status: 'none',
  issues_enabled: true,
  jobs_enabled: true,
  merge_method: 'merge',
  only_allow_merge_if_all_discussions_are_resolved: false,
  only_allow_merge_if_pipeline_succeeds: false,
  open_issues_count: 0,
  packages_enabled: true,
  remove_source_branch_after_merge: true,
  request_access_enabled: true,
  shared_runners_enabled: true,
  snippets_enabled: true,
  squash_option: 'default_off',
  wiki_enabled: true,
} satisfies Partial<ProjectEntity>;

function linksOf(web: string, project: Project): ProjectEntity['_links'] {
  const self = `${web}/api/v4/projects/${project.id}`;
  return {
    self,
    issues: `${self}/issues`,
    merge_requests: `${self}/merge_requests`,
    repo_branches: `${self}/repository/branches`,
    labels: `${self}/labels`,
    events: `${self}/events`,
    members: `${self}/members`,
    cluster_agents: `${self}/cluster_agents`,
  };
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
