import type { Secret } from '../lib/secret.ts';

/** A kind of code host, by the name that keys and configuration give it; `git`: a host of repositories and no more. */
export type ForgeName = 'github' | 'gitlab' | 'git';

/**
 * A code host. It holds no credential: every call brings the token that it is made with. Every call throws
 * `ForgeError` (`unsupported` where the host has no such thing), has a time limit of its own, and ends with
 * `signal`. A pull request is what GitLab calls a merge request.
 */
export type Forge = {
  readonly name: ForgeName;
  /**
   * The one exact host, with a port where it is not the default one, that repositories of this forge lie on;
   * undefined: any that no other forge has.
   */
  readonly host: string | undefined;
  readonly abilities: { readonly pullRequests: boolean; readonly accounts: boolean };
  /** The user name that git gives beside a token. */
  readonly gitUsername: string;
  /** Whose token it is, and what it may do. An invalid one throws `unauthorized`. */
  readonly verifyToken: (token: Secret, signal: AbortSignal) => Promise<TokenOwner>;
  /** The repositories that a token reaches, the one changed last first. */
  readonly listRepositories: (
    token: Secret,
    page: { readonly page: number; readonly perPage: number },
    signal: AbortSignal,
  ) => Promise<readonly ForgeRepository[]>;
  /** A repository under its present name, also where it was renamed or moved within the forge. */
  readonly findRepository: (repository: RepositoryAccess, signal: AbortSignal) => Promise<ForgeRepository>;
  /**
   * Finds the open pull request of a branch, or opens one: what was lost between the forge and us is found
   * again, so any number of calls leave one. One that is found gets what `overwrite` names.
   */
  readonly ensurePullRequest: (wish: PullRequestRequest, signal: AbortSignal) => Promise<EnsuredPullRequest>;
  /** Adds the labels that a pull request does not have yet. */
  readonly addLabels: (
    pullRequest: RepositoryAccess & { readonly number: number },
    labels: readonly string[],
    signal: AbortSignal,
  ) => Promise<void>;
};

/** A repository and the token to ask for it with. `path`: `owner/name`, or with sub-groups; without `.git`. */
export type RepositoryAccess = {
  readonly url: string;
  readonly path: string;
  readonly token: Secret | undefined;
};

/** The forge that a repository lies on, by its exact host and never by a part of its name. */
export type ForgeOf = (repositoryUrl: string) => Forge;

export type TokenOwner = {
  readonly username: string;
  readonly email: string;
  /** As the forge writes them, joined by `, `; empty where it does not tell. */
  readonly scopes: string;
};

export type ForgeRepository = {
  readonly name: string;
  /** Its present path. */
  readonly fullName: string;
  readonly cloneUrl: string;
  /** Undefined: the repository is empty; GitHub names one all the same. */
  readonly defaultBranch: string | undefined;
  readonly isPrivate: boolean;
  readonly isArchived: boolean;
  /** Undefined: the forge does not tell. */
  readonly canPush: boolean | undefined;
  readonly description: string;
  /** ISO 8601; empty where the forge does not tell. */
  readonly updatedAt: string;
};

export type PullRequestRequest = RepositoryAccess & {
  readonly branch: string;
  /** Undefined: the repository's default branch. */
  readonly base: string | undefined;
  readonly title: string;
  readonly body: string;
  readonly overwrite: readonly ('title' | 'body')[];
  readonly draft: boolean;
  /** The pull request that was opened for this branch before, whatever became of it. */
  readonly known: number | undefined;
};

export type EnsuredPullRequest = {
  readonly number: number;
  /** For people. */
  readonly url: string;
  readonly base: string;
  /** `found`: it was open already, by an earlier call whose answer was lost or for an earlier state of the branch. */
  readonly how: 'opened' | 'found';
};

export type ForgeErrorCode =
  | 'unsupported'
  /** The token is wrong, expired or revoked. */
  | 'unauthorized'
  /** The token may not do it: its scopes or its owner's rights. */
  | 'forbidden'
  | 'not_found'
  /** The repository is archived: nothing can be written. */
  | 'archived'
  /** Nothing lies between base and branch. */
  | 'no_changes'
  | 'base_not_found'
  | 'branch_not_found'
  /** The forge does not want what was sent; its own words are in the message. */
  | 'refused'
  | 'rate_limited'
  /** No answer, a broken one, or the forge's own trouble. */
  | 'unavailable';

/**
 * A forge could not do what was asked. The message is for people: what happened, to what, what to do; it holds
 * no token.
 */
export class ForgeError extends Error {
  readonly code: ForgeErrorCode;
  /** Whether the same call may work later; then perhaps with the time that the forge wants to be left alone. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ForgeErrorCode,
    message: string,
    options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ForgeError';
    this.code = code;
    this.retryable = code === 'rate_limited' || code === 'unavailable';
    this.retryAfterMs = options.retryAfterMs;
  }
}
