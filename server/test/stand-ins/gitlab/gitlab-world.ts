import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BareRepository } from '../bare-repository.ts';
import type { ForgeRepositories } from '../forge-repositories.ts';
import { syncVersions } from './diff-versions.ts';
import { findProject, newRequest, takeId } from './state.ts';
import type { Issue, MergeRequest, Project, Role, State, Token, User } from './state.ts';

/** What happens at a GitLab without our API calls: people come, projects move, merge requests end. */
export type GitlabWorld = {
  readonly projects: readonly Project[];
  /** A project that is there, by its present or a former path. */
  readonly project: (path: string) => Project;
  readonly addUser: (username: string) => User;
  readonly addToken: (user: User, token?: NewToken) => Token;
  /** Makes a project, in a new repository with one commit on `main` unless it is to be empty. */
  readonly addProject: (path: string, project?: NewProject) => Promise<Project>;
  /** Makes a copy that knows where it came from. */
  readonly fork: (project: Project, path: string, members: Members) => Promise<Project>;
  /** Renames or transfers; the old path leads to it, for git too. */
  readonly move: (project: Project, to: string) => Promise<void>;
  readonly remove: (project: Project) => Promise<void>;
  readonly protectBranch: (project: Project, branch: string) => Promise<void>;
  readonly renameDefaultBranch: (project: Project, to: string) => Promise<void>;
  /** Somebody reports something. */
  readonly addIssue: (project: Project, issue: NewIssue) => Issue;
  /** As a person does in the browser. */
  readonly openRequest: (request: NewRequest) => MergeRequest;
  readonly closeRequest: (request: MergeRequest) => void;
  readonly reopenRequest: (request: MergeRequest) => void;
  /** Merges for real, in the target's repository. */
  readonly mergeRequest: (request: MergeRequest) => Promise<void>;
};

type Members = Readonly<Record<string, Role>>;

export type NewToken = {
  /** `api` unless said. */
  readonly scopes?: readonly string[];
  /** `YYYY-MM-DD`. */
  readonly expiresAt?: string;
  readonly kind?: Token['kind'];
};

export type NewProject = {
  /** Roles by username. */
  readonly members?: Members;
  readonly visibility?: Project['visibility'];
  readonly isEmpty?: boolean;
  /** A record without a repository behind it, of which a long list can have many in no time. */
  readonly isRecordOnly?: boolean;
  readonly hasMergeRequests?: boolean;
  readonly description?: string;
};

type Deps = {
  readonly state: State;
  readonly repositories: ForgeRepositories;
  readonly folder: string;
  readonly now: () => number;
};

export type NewIssue = Pick<Issue, 'author' | 'title'> & Partial<Pick<Issue, 'description'>>;

export type NewRequest = {
  /** Where the branch lies: a fork, or the target. */
  readonly source: Project;
  readonly target: Project;
  readonly branch: string;
  readonly base: string;
  readonly title: string;
  /** Somebody new unless said. */
  readonly author?: User;
};

/** GitLab's words to a push that a protected branch does not take. */
const protectedRefusal = 'GitLab: You are not allowed to push code to protected branches on this project.';

/** The levers of a stand-in over its state and its repositories. */
export function createGitlabWorld(deps: Deps): GitlabWorld {
  const { state } = deps;
  return {
    projects: state.projects,
    project(path) {
      const found = findProject(state, path);
      if (found === undefined) throw new Error(`there is no project ${path}`);
      return found;
    },
    addUser: (username) => addUser(state, username),
    addToken: (user, token) => addToken(state, user, token),
    addProject: (path, project) => addProject(deps, path, project ?? {}),
    fork: (project, path, members) => fork(deps, { project, path, members }),
    move: (project, to) => move(deps, project, to),
    async remove(project) {
      await deps.repositories.remove(project.path);
      state.projects.splice(state.projects.indexOf(project), 1);
    },
    async protectBranch(project, branch) {
      project.protectedBranches.add(branch);
      await project.repository.protect([...project.protectedBranches], protectedRefusal);
    },
    renameDefaultBranch,
    addIssue(project, issue) {
      const made = { id: takeId(state), iid: project.issues.length + 1 };
      const createdAt = new Date(deps.now()).toISOString();
      const added = { description: null, createdAt, ...made, ...issue };
      project.issues.push(added);
      return added;
    },
    openRequest: (request) => openRequest(deps, request),
    closeRequest(request) {
      request.state = 'closed';
      request.closedAt = new Date(deps.now()).toISOString();
    },
    reopenRequest(request) {
      request.state = 'opened';
      request.closedAt = null;
    },
    mergeRequest: (request) => merge(deps, request),
  };
}

function addUser(state: State, username: string): User {
  const name = username.slice(0, 1).toUpperCase() + username.slice(1);
  const user = { id: takeId(state), username, name, email: `${username}@example.com` };
  state.users.push(user);
  return user;
}

function addToken(state: State, user: User, token: NewToken = {}): Token {
  const id = takeId(state);
  const made: Token = {
    id,
    value: `glpat-stand-in-${user.username}-${id}`,
    kind: token.kind ?? 'personal',
    user,
    scopes: token.scopes ?? ['api'],
    expiresAt: token.expiresAt,
    isRevoked: false,
  };
  state.tokens.push(made);
  return made;
}

async function addProject(deps: Deps, path: string, wanted: NewProject): Promise<Project> {
  const repository = await makeRepository(deps, path, wanted);
  const createdAt = new Date(deps.now()).toISOString();
  const project: Project = {
    id: takeId(deps.state),
    path,
    formerPaths: new Set(),
    description: wanted.description ?? '',
    visibility: wanted.visibility ?? 'private',
    isArchived: false,
    defaultBranch: wanted.isEmpty === true ? undefined : 'main',
    hasMergeRequests: wanted.hasMergeRequests ?? true,
    members: membersOf(deps.state, wanted.members ?? {}),
    protectedBranches: new Set(),
    labels: new Set(),
    forkedFrom: undefined,
    mergeRequests: [],
    issues: [],
    createdAt,
    lastActivityAt: createdAt,
    repository,
  };
  deps.state.projects.push(project);
  return project;
}

async function makeRepository(deps: Deps, path: string, wanted: NewProject): Promise<BareRepository> {
  if (wanted.isRecordOnly === true) return deps.repositories.open(path);
  // What lies there now takes the place of the way from an old path.
  await rm(join(deps.folder, `${path}.git`), { force: true });
  const repository = await deps.repositories.create(path, 'main');
  if (wanted.isEmpty !== true)
    await repository.commit({ branch: 'main', files: { 'README.md': `# ${path}\n` }, message: 'begin' });
  return repository;
}

function membersOf(state: State, members: Members): Map<number, Role> {
  const roles = new Map<number, Role>();
  for (const [username, role] of Object.entries(members)) {
    const user = state.users.find((one) => one.username === username);
    if (user === undefined) throw new Error(`there is no user ${username}`);
    roles.set(user.id, role);
  }
  return roles;
}

type Forking = { readonly project: Project; readonly path: string; readonly members: Members };

async function fork(deps: Deps, { project, path, members }: Forking): Promise<Project> {
  const { visibility } = project;
  const made = await addProject(deps, path, { members, visibility, isEmpty: true });
  for (const branch of (await project.repository.branches()).keys())
    await made.repository.fetch(project.repository, branch, `refs/heads/${branch}`);
  const forked: Project = { ...made, defaultBranch: project.defaultBranch, forkedFrom: project };
  deps.state.projects.splice(deps.state.projects.indexOf(made), 1, forked);
  return forked;
}

async function move(deps: Deps, project: Project, to: string): Promise<void> {
  const from = project.path;
  // It may come back to where it was, and where a way to it lies.
  await rm(join(deps.folder, `${to}.git`), { force: true });
  await deps.repositories.move(from, to);
  await symlink(join(deps.folder, `${to}.git`), join(deps.folder, `${from}.git`));
  project.formerPaths.add(from.toLowerCase());
  project.path = to;
  project.repository = deps.repositories.open(to);
}

async function renameDefaultBranch(project: Project, to: string): Promise<void> {
  const from = project.defaultBranch;
  if (from === undefined) throw new Error('an empty project has no default branch');
  const tip = await project.repository.tip(from);
  if (tip === undefined) throw new Error(`there is no branch ${from}`);
  await project.repository.createBranch(to, tip);
  await project.repository.setDefaultBranch(to);
  await project.repository.deleteBranch(from);
  project.defaultBranch = to;
}

function openRequest({ state, now }: Deps, wanted: NewRequest): MergeRequest {
  const { source, target, branch, base, title } = wanted;
  const author = wanted.author ?? addUser(state, `person-${state.users.length}`);
  const request: MergeRequest = {
    ...newRequest(state, { source, target, author, createdAt: new Date(now()).toISOString() }),
    sourceBranch: branch,
    targetBranch: base,
    title,
  };
  target.mergeRequests.push(request);
  return request;
}

async function merge(deps: Deps, request: MergeRequest): Promise<void> {
  const { source, target } = request;
  await syncVersions(deps.state, request, deps.now());
  const head = await source.repository.tip(request.sourceBranch);
  const message = `Merge branch '${request.sourceBranch}' into '${request.targetBranch}'`;
  const made =
    head === undefined ? undefined : await target.repository.merge(request.targetBranch, head, message);
  if (made === undefined) throw new Error(`!${request.iid} cannot be merged`);
  request.state = 'merged';
  request.mergeCommit = made;
  request.mergedAt = new Date(deps.now()).toISOString();
  if (request.removesSourceBranch) await source.repository.deleteBranch(request.sourceBranch);
}
