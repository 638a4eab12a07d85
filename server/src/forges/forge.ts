import type { Verdict } from '../domain/review.ts';
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
    pullRequest: PullRequestAccess,
    labels: readonly string[],
    signal: AbortSignal,
  ) => Promise<void>;
  /** The ref under which git finds the head of a pull request in the repository, whichever fork it comes from. */
  readonly pullRequestRef: (number: number) => string;
  /** A pull request as it is now; `not_found` where there is none. */
  readonly findPullRequest: (
    pullRequest: PullRequestAccess,
    signal: AbortSignal,
  ) => Promise<ForgePullRequest>;
  /** Which lines of a pull request can be commented on. */
  readonly readDiff: (pullRequest: PullRequestAccess, signal: AbortSignal) => Promise<PullRequestDiff>;
  /**
   * Finds the review that carries the marker, or posts it; what was lost between the forge and us is found again,
   * so any number of calls leave one, with each of its comments once. What the forge refuses to take as a comment
   * on a line goes into the summary, and a verdict that it does not take from this token becomes a comment: a
   * review is never lost for its form.
   */
  readonly postReview: (review: ReviewRequest, signal: AbortSignal) => Promise<PostedReview>;
};

/** A repository and the token to ask for it with. `path`: `owner/name`, or with sub-groups; without `.git`. */
export type RepositoryAccess = {
  readonly url: string;
  readonly path: string;
  readonly token: Secret | undefined;
};

export type PullRequestAccess = RepositoryAccess & { readonly number: number };

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

export type ForgePullRequest = {
  readonly number: number;
  /** For people. */
  readonly url: string;
  readonly title: string;
  readonly state: 'open' | 'closed' | 'merged';
  readonly isDraft: boolean;
  readonly headCommit: string;
  /** Of the repository that it comes from, which may be a fork. */
  readonly headBranch: string;
  readonly baseBranch: string;
};

export type PullRequestDiff = {
  /** The head that this is the difference to. */
  readonly headCommit: string;
  /** By the path after the change. Files of which the forge shows no lines (binary ones, huge ones) are missing. */
  readonly files: ReadonlyMap<string, DiffFile>;
  /** GitLab's three commits, between which it counts lines; undefined: the forge needs none, or does not tell. */
  readonly between?: { readonly base: string; readonly start: string; readonly head: string };
};

export type DiffFile = {
  /** Before the change; the same where the file was not renamed. */
  readonly previousPath: string;
  /** The lines after the change that the diff shows, and which line each was before; undefined: it was added. */
  readonly lines: ReadonlyMap<number, number | undefined>;
};

/** A comment on a line that the diff shows. */
export type LineComment = {
  readonly path: string;
  readonly line: number;
  /** Markdown, harmless: it calls nobody. */
  readonly body: string;
};

export type ReviewRequest = PullRequestAccess & {
  /** Says which review this is: letters, digits, `:` and `-`. Nobody sees it. */
  readonly marker: string;
  readonly verdict: Verdict;
  readonly diff: PullRequestDiff;
  readonly comments: readonly LineComment[];
  /** The text of the whole, in Markdown, given the comments that could not be put on their lines. */
  readonly summary: (refused: readonly LineComment[]) => string;
};

export type PostedReview = {
  /** For people. */
  readonly url: string;
  /** On lines. */
  readonly comments: number;
  /** `found`: an earlier call had posted it. */
  readonly how: 'posted' | 'found';
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
