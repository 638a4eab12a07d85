import type { BareRepository } from '../bare-repository.ts';

/** The roles that the stand-in knows, with GitLab's numbers ("Members API": valid access levels). */
export const accessLevels = { guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 } as const;
export type Role = keyof typeof accessLevels;

export type User = {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly email: string;
};

/** A token; its state may change while requests come in. */
export type Token = {
  readonly id: number;
  readonly value: string;
  readonly kind: 'personal' | 'oauth';
  readonly user: User;
  readonly scopes: readonly string[];
  /** A day, `YYYY-MM-DD`, whose beginning ends the token (UTC). */
  expiresAt: string | undefined;
  isRevoked: boolean;
};

export type Project = {
  readonly id: number;
  /** The full path, groups included. */
  path: string;
  /** Where it lay before; these lead to it as long as nothing else lies there. */
  readonly formerPaths: Set<string>;
  readonly description: string;
  visibility: 'private' | 'public';
  isArchived: boolean;
  /** Undefined: nothing was pushed yet, and GitLab gives null. */
  defaultBranch: string | undefined;
  hasMergeRequests: boolean;
  readonly members: Map<number, Role>;
  /** Protected with "Allowed to push and merge: no one". */
  readonly protectedBranches: Set<string>;
  readonly labels: Set<string>;
  readonly forkedFrom: Project | undefined;
  readonly mergeRequests: MergeRequest[];
  readonly issues: Issue[];
  readonly createdAt: string;
  lastActivityAt: string;
  repository: BareRepository;
};

export type Issue = {
  readonly id: number;
  /** Counted apart from merge requests. */
  readonly iid: number;
  readonly author: User;
  readonly title: string;
  readonly description: string | null;
  readonly createdAt: string;
};

export type MergeRequest = {
  readonly id: number;
  readonly iid: number;
  readonly target: Project;
  readonly source: Project;
  readonly sourceBranch: string;
  readonly author: User;
  readonly createdAt: string;
  targetBranch: string;
  title: string;
  description: string | null;
  labels: string[];
  state: 'opened' | 'closed' | 'merged';
  updatedAt: string;
  mergedAt: string | null;
  closedAt: string | null;
  mergeCommit: string | null;
  removesSourceBranch: boolean;
  squash: boolean;
  /** Whether the source branch was there when it was opened: then its end is the end of the request. */
  readonly hadBranch: boolean;
  /** GitLab works out the diff after it has answered a POST; until then there is none. */
  isPrepared: boolean;
  /** The oldest first; one more with every push to the source branch while it is open. */
  readonly versions: Version[];
  /** Then only members may write. */
  isDiscussionLocked: boolean;
  readonly notes: Note[];
  /** The lines of descriptions and notes that GitLab took for quick actions, which it does and then leaves out. */
  readonly quickActions: string[];
};

/** A diff as it was worked out once; what is pushed later makes another. */
export type Version = {
  readonly id: number;
  /** Where both branches part. */
  readonly base: string;
  /** The target branch's tip. */
  readonly start: string;
  readonly head: string;
  readonly files: number;
  readonly createdAt: string;
};

export type Note = {
  readonly id: number;
  readonly body: string;
  readonly author: User;
  readonly createdAt: string;
  /** Notes with one id are a thread. */
  readonly discussionId: string;
  /** Nobody can answer below it. */
  readonly isIndividual: boolean;
  readonly position: Position | undefined;
};

/** Which line of which version a note is about. An added line has no old number, a deleted one no new. */
export type Position = {
  readonly base_sha: string;
  readonly start_sha: string;
  readonly head_sha: string;
  readonly old_path: string;
  readonly new_path: string;
  readonly position_type: 'text';
  readonly old_line: number | null;
  readonly new_line: number | null;
};

/** All that a GitLab remembers. Ids rise over everything, as the real one's do within a table. */
export type State = {
  readonly users: User[];
  readonly tokens: Token[];
  readonly projects: Project[];
  nextId: number;
};

/** What a merge request begins with; whoever opens it says which branches and words it has. */
export function newRequest(
  state: State,
  begin: Pick<MergeRequest, 'source' | 'target' | 'author' | 'createdAt'>,
): Omit<MergeRequest, 'sourceBranch' | 'targetBranch' | 'title'> {
  return {
    ...begin,
    id: takeId(state),
    iid: begin.target.mergeRequests.length + 1,
    description: null,
    labels: [],
    updatedAt: begin.createdAt,
    state: 'opened',
    mergedAt: null,
    closedAt: null,
    mergeCommit: null,
    removesSourceBranch: false,
    squash: false,
    hadBranch: true,
    isPrepared: true,
    versions: [],
    isDiscussionLocked: false,
    notes: [],
    quickActions: [],
  };
}

/** A new id. */
export function takeId(state: State): number {
  state.nextId += 1;
  return state.nextId;
}

/** The project of an id or a full path, which may be one that it had before. Paths know no case. */
export function findProject(state: State, idOrPath: string): Project | undefined {
  if (/^\d+$/u.test(idOrPath)) return state.projects.find(({ id }) => id === Number(idOrPath));
  const path = idOrPath.toLowerCase();
  return (
    state.projects.find((project) => project.path.toLowerCase() === path) ??
    state.projects.find((project) => project.formerPaths.has(path))
  );
}

/** A user's level in a project; 0 for a stranger, also where everybody may read. */
export function levelIn(project: Project, user: User | undefined): number {
  const role = user === undefined ? undefined : project.members.get(user.id);
  return role === undefined ? 0 : accessLevels[role];
}

/** Whether a user may push to a branch: developers, and nobody where it is protected. */
export function mayPush(project: Project, user: User | undefined, branch: string): boolean {
  return !project.protectedBranches.has(branch) && levelIn(project, user) >= accessLevels.developer;
}

/** Why a token is not good for anything; undefined for one that is. */
export function flawOf(token: Token, now: number): 'expired' | 'revoked' | undefined {
  if (token.isRevoked) return 'revoked';
  if (token.expiresAt !== undefined && Date.parse(token.expiresAt) <= now) return 'expired';
  return undefined;
}

/** The commit of a merge request's source branch; undefined where the branch is gone. */
export type TipOf = (request: MergeRequest) => Promise<string | undefined>;

/** Reads the branches of each project once, however many merge requests come from it. */
export function rememberTips(): TipOf {
  const read = new Map<Project, Promise<ReadonlyMap<string, string>>>();
  return async ({ source, sourceBranch }) => {
    const branches = read.get(source) ?? source.repository.branches();
    read.set(source, branches);
    return (await branches).get(sourceBranch);
  };
}

/** GitLab's rule for what is a draft ("Draft merge requests"): the beginning of the title. */
export function isDraftTitle(title: string): boolean {
  return /^\s*(?:draft:|\[draft\]|\(draft\))/iu.test(title);
}
