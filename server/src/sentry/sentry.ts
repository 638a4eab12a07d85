import type { Secret } from '../lib/secret.ts';

/**
 * Sentry's API, for looking at what went wrong. It holds no credential: every call brings the token that it is
 * made with. Every call throws `SentryError` or the signal's reason, and ends within 10 s for each of its one or
 * two requests. Slugs and ids are given as they are; what they may look like is checked by the caller.
 */
export type Sentry = {
  /** Whose token it is, and what it may do. An invalid one throws `unauthorized`. */
  readonly verifyToken: (token: Secret, signal: AbortSignal) => Promise<SentryTokenOwner>;
  readonly listOrganizations: (token: Secret, page: SentryPage, signal: AbortSignal) => Promise<SentryList>;
  readonly findOrganization: (token: Secret, org: string, signal: AbortSignal) => Promise<SentryObject>;
  readonly listProjects: (
    token: Secret,
    of: { readonly org: string } & SentryPage,
    signal: AbortSignal,
  ) => Promise<SentryList>;
  readonly findProject: (token: Secret, place: SentryPlace, signal: AbortSignal) => Promise<SentryProject>;
  /** Issues of one project. `refused` where Sentry does not understand the search. */
  readonly listIssues: (token: Secret, search: IssueSearch, signal: AbortSignal) => Promise<SentryList>;
  readonly findIssue: (token: Secret, issue: IssueReference, signal: AbortSignal) => Promise<SentryIssue>;
  /** The newest event of an issue, whole. */
  readonly findLatestEvent: (
    token: Secret,
    issue: IssueReference,
    signal: AbortSignal,
  ) => Promise<SentryObject>;
};

export type SentryTokenOwner = {
  /** Empty: the token is no person's, or Sentry does not tell. */
  readonly username: string;
  readonly email: string;
  /** As Sentry writes them, joined by `, `; empty where it does not tell. */
  readonly scopes: string;
};

/** Where a list goes on: what `nextCursor` of the page before said; undefined: from its beginning. */
export type SentryPage = { readonly cursor: string | undefined };

/** A project by its slugs. */
export type SentryPlace = { readonly org: string; readonly project: string };

export type IssueSearch = SentryPlace &
  SentryPage & {
    /** In Sentry's own language. */
    readonly query: string;
    /** Undefined: as Sentry sorts. */
    readonly sort: string | undefined;
    /** 1 to 100. */
    readonly limit: number;
  };

/** `org` undefined: Sentry finds the issue by its number alone. */
export type IssueReference = { readonly org: string | undefined; readonly issue: string };

/** JSON as Sentry wrote it: it has been read as an object, and not changed. */
export type SentryObject = { readonly text: string };
export type SentryProject = SentryObject & { readonly id: string };
export type SentryIssue = SentryObject & {
  /** Empty where Sentry does not tell. */
  readonly projectSlug: string;
};

/** JSON as Sentry wrote it: it has been read as a list. `nextCursor`: there is more. */
export type SentryList = { readonly text: string; readonly nextCursor: string | undefined };

export type SentryErrorCode =
  /** The token is wrong, expired or revoked. */
  | 'unauthorized'
  /** The token may not do it: its scopes or its owner's rights. */
  | 'forbidden'
  | 'not_found'
  /** Sentry does not understand what was asked for; its own words are in the message. */
  | 'refused'
  | 'rate_limited'
  /** No answer, a broken one, or Sentry's own trouble. */
  | 'unavailable';

/** Sentry could not do what was asked. The message is for people: what, why, what to do; it holds no token. */
export class SentryError extends Error {
  readonly code: SentryErrorCode;
  /** How long Sentry wants to be left alone, where it says so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: SentryErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'SentryError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
