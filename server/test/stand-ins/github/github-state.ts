import type { BareRepository } from '../bare-repository.ts';

/** What a person may do with a repository, from little to all. */
const githubRoles = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const;
export type GithubRole = (typeof githubRoles)[number];

/** The kinds of permission that fine-grained tokens and apps are given one by one. */
export type GithubResource = 'metadata' | 'contents' | 'pull_requests' | 'issues';
export type GithubPermissions = Readonly<Partial<Record<GithubResource, 'read' | 'write'>>>;

/** Who owns repositories and writes: a person, an organization, an app. */
export type GithubAccount = {
  readonly id: number;
  readonly login: string;
  readonly type: 'User' | 'Organization' | 'Bot';
  readonly name: string;
  readonly email: string | null;
};

/** A token as GitHub knows it. A classic one has scopes, the others have permissions. */
export type GithubToken = {
  readonly value: string;
  readonly kind: 'classic' | 'fine_grained' | 'installation';
  readonly account: GithubAccount;
  readonly scopes: readonly string[];
  readonly permissions: GithubPermissions;
  /** The repositories that it was given; undefined: all of its owner's, or of its installation's. */
  readonly repositories: ReadonlySet<number> | undefined;
  readonly installation: GithubInstallation | undefined;
  /** Milliseconds of the epoch. */
  expiresAt: number | undefined;
  /** Its requests of one hour, by the number of that hour. */
  usage: { readonly hour: number; readonly used: number };
};

/** A GitHub App, as its owner registered it. */
export type GithubApp = {
  readonly id: number;
  readonly clientId: string;
  readonly slug: string;
  readonly owner: GithubAccount;
  readonly permissions: GithubPermissions;
  /** PEM. */
  readonly publicKey: string;
  /** PEM, PKCS#1: what GitHub lets the owner download. */
  readonly privateKey: string;
};

/** What an account lets an app do. */
export type GithubInstallation = {
  readonly id: number;
  readonly app: GithubApp;
  readonly account: GithubAccount;
  readonly permissions: GithubPermissions;
  /** Undefined: all of the account's. */
  readonly repositories: ReadonlySet<number> | undefined;
  suspendedAt: number | undefined;
};

/** A label of a repository. */
export type GithubLabel = {
  readonly id: number;
  readonly name: string;
  readonly color: string;
  readonly description: string | null;
};

/** A comment below a pull request. `at`: milliseconds of the epoch. */
export type GithubComment = {
  readonly id: number;
  readonly author: GithubAccount;
  readonly body: string;
  readonly at: number;
};

/** A comment of a review on a line of the diff. `position`: the line's row below the first `@@` of `hunk`. */
export type GithubLineComment = {
  readonly id: number;
  readonly path: string;
  readonly line: number;
  readonly side: 'LEFT' | 'RIGHT';
  readonly body: string;
  readonly hunk: string;
  readonly position: number;
};

/** A review of a pull request, with its comments on lines. */
export type GithubReview = GithubComment & {
  readonly state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'PENDING';
  readonly commit: string;
  readonly comments: readonly GithubLineComment[];
};

/** A pull request. Where it is open, its commits are read from git; where it is closed, they are as they were. */
export type GithubPull = {
  readonly id: number;
  readonly number: number;
  readonly author: GithubAccount;
  readonly draft: boolean;
  readonly createdAt: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  base: string;
  baseSha: string;
  /** The repository of the head's branch: a fork, or the one that the pull request is in. */
  readonly headRepositoryId: number;
  readonly headOwner: GithubAccount;
  readonly headBranch: string;
  headSha: string;
  maintainerCanModify: boolean;
  /** Its conversation is for who may write only. */
  isLocked: boolean;
  readonly labels: Set<string>;
  readonly comments: GithubComment[];
  readonly reviews: GithubReview[];
  updatedAt: number;
  closedAt: number | undefined;
  merged: { readonly at: number; readonly by: GithubAccount; readonly commit: string } | undefined;
};

/** An issue that is no pull request. */
export type GithubIssue = {
  readonly id: number;
  readonly number: number;
  readonly author: GithubAccount;
  readonly title: string;
  readonly body: string | null;
  readonly createdAt: number;
};

/** A repository; what a test may change by hand can be changed. */
export type GithubRepository = {
  readonly id: number;
  owner: GithubAccount;
  name: string;
  bare: BareRepository;
  defaultBranch: string;
  isPrivate: boolean;
  isArchived: boolean;
  /** Drafts are refused in private repositories of the free plan. */
  allowsDrafts: boolean;
  readonly parentId: number | undefined;
  readonly collaborators: Map<string, GithubRole>;
  readonly protectedBranches: Set<string>;
  readonly renamedBranches: Map<string, string>;
  readonly labels: Map<string, GithubLabel>;
  readonly pulls: GithubPull[];
  readonly issues: GithubIssue[];
  /** The last number given: pull requests and issues share them. */
  lastNumber: number;
  readonly createdAt: number;
  updatedAt: number;
};

/** All that the stand-in knows, in memory; the commits lie in the bare repositories. */
export type GithubState = {
  readonly now: () => number;
  /** The forge's own address: of git, and of pages for people. */
  readonly origin: () => string;
  readonly accounts: Map<string, GithubAccount>;
  readonly tokens: Map<string, GithubToken>;
  readonly repositories: Map<number, GithubRepository>;
  /** Former paths, in lower case, of what was renamed or moved. */
  readonly moved: Map<string, number>;
  readonly apps: Map<number, GithubApp>;
  readonly installations: Map<number, GithubInstallation>;
  /** Requests an hour for one token. */
  readonly rateLimit: number;
  /** A number that was not given before. */
  readonly nextId: () => number;
};

/** The path of a repository, as people write it. */
export function fullName(repository: Pick<GithubRepository, 'owner' | 'name'>): string {
  return `${repository.owner.login}/${repository.name}`;
}

/** The repository under this path, in any case; its former paths are not looked at. */
export function findRepository(state: GithubState, path: string): GithubRepository | undefined {
  return [...state.repositories.values()].find((one) => fullName(one).toLowerCase() === path.toLowerCase());
}

/** The repository that this path led to before, and leads to no more. */
export function findMovedRepository(state: GithubState, path: string): GithubRepository | undefined {
  const id = state.moved.get(path.toLowerCase());
  return id === undefined ? undefined : state.repositories.get(id);
}

/** The token of this value, unless it has expired or was never given. */
export function findToken(state: GithubState, value: string): GithubToken | undefined {
  const token = state.tokens.get(value);
  if (token === undefined) return undefined;
  return token.expiresAt !== undefined && token.expiresAt <= state.now() ? undefined : token;
}

/** What an account may do with a repository, by itself and not by a token. */
export function roleOf(repository: GithubRepository, account: GithubAccount): GithubRole {
  if (repository.owner.id === account.id) return 'admin';
  return repository.collaborators.get(account.login) ?? (repository.isPrivate ? 'none' : 'read');
}

/** Whether a role has all that another one has. */
export function isRoleAtLeast(role: GithubRole, wanted: GithubRole): boolean {
  return githubRoles.indexOf(role) >= githubRoles.indexOf(wanted);
}
