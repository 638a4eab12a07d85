import { invalidField, Refusal } from '../domain/errors.ts';
import type { Secret } from '../lib/secret.ts';
import type {
  IssueReference,
  IssueSearch,
  Sentry,
  SentryError,
  SentryList,
  SentryObject,
  SentryPage,
} from '../sentry/sentry.ts';
import type { Viewer } from '../store/tasks.ts';
import { openKey, type KeyAccess } from './forge-access.ts';

export type { IssueReference, IssueSearch, SentryList } from '../sentry/sentry.ts';

/** What services that ask Sentry for a caller, with a key of the caller's, work with. */
export type SentryAccess = KeyAccess & {
  readonly sentry: Sentry;
  readonly isSentryError: (error: unknown) => error is SentryError;
};

/** The name of a key of the viewer's. */
type ByKey = { readonly keyName: string };

/**
 * What Sentry has, as a stored key of the viewer's sees it and only within the key's scope. What Sentry answers
 * is given on to the letter.
 *
 * Every one throws Refusal `not_found` for the key or what was asked for, `invalid` for a key of another provider,
 * for what lies outside of the key's scope and for what Sentry does not understand, and `upstream_failed` where
 * Sentry fails or refuses the token.
 */
export type BrowseSentry = {
  readonly organizations: (
    viewer: Viewer,
    wish: ByKey & SentryPage,
    signal: AbortSignal,
  ) => Promise<SentryList>;
  readonly projects: (
    viewer: Viewer,
    wish: ByKey & SentryPage & { readonly org: string },
    signal: AbortSignal,
  ) => Promise<SentryList>;
  readonly issues: (viewer: Viewer, wish: ByKey & IssueSearch, signal: AbortSignal) => Promise<SentryList>;
  readonly issue: (
    viewer: Viewer,
    wish: ByKey & IssueReference,
    signal: AbortSignal,
  ) => Promise<SentryObject>;
  readonly latestEvent: (
    viewer: Viewer,
    wish: ByKey & IssueReference,
    signal: AbortSignal,
  ) => Promise<SentryObject>;
};

export function createBrowseSentryService(deps: SentryAccess): BrowseSentry {
  const { sentry } = deps;
  return {
    organizations: (viewer, wish, signal) =>
      asking(deps, viewer, wish, async ({ token, scope }) =>
        scope.org === undefined
          ? sentry.listOrganizations(token, wish, signal)
          : listOf(await sentry.findOrganization(token, scope.org, signal)),
      ),
    projects: (viewer, wish, signal) =>
      asking(deps, viewer, wish, async ({ token, scope }) => {
        demandWithin(scope, wish);
        return scope.project === undefined
          ? sentry.listProjects(token, wish, signal)
          : listOf(await sentry.findProject(token, { org: wish.org, project: scope.project }, signal));
      }),
    issues: (viewer, wish, signal) =>
      asking(deps, viewer, wish, async ({ token, scope }) => {
        demandWithin(scope, wish);
        return sentry.listIssues(token, wish, signal);
      }),
    issue: (viewer, wish, signal) =>
      asking(deps, viewer, wish, ({ token, scope }) => findIssue(deps, token, { scope, wish, signal })),
    latestEvent: (viewer, wish, signal) =>
      asking(deps, viewer, wish, async ({ token, scope }) => {
        // An event does not tell its project's slug; its issue does.
        if (scope.project !== undefined) await findIssue(deps, token, { scope, wish, signal });
        return sentry.findLatestEvent(token, within(scope, wish), signal);
      }),
  };
}

/** Of a key: what alone it is for. `org` undefined: no limit; `project` undefined: all of the organization. */
type Scope = {
  readonly keyName: string;
  readonly org: string | undefined;
  readonly project: string | undefined;
};

/** Opens the key, and says what Sentry refused in the caller's terms. */
async function asking<Found>(
  deps: SentryAccess,
  viewer: Viewer,
  { keyName }: ByKey,
  ask: (opened: { readonly token: Secret; readonly scope: Scope }) => Promise<Found>,
): Promise<Found> {
  const { key, token } = await openKey(deps, viewer, keyName);
  if (key.provider !== 'sentry') {
    throw invalidField('key_name', `${key.name} is a key for ${key.provider}, not for sentry`);
  }
  const [org, project] = key.scope === '' ? [] : key.scope.split('/');
  try {
    return await ask({ token, scope: { keyName: key.name, org, project } });
  } catch (error) {
    if (!deps.isSentryError(error)) throw error;
    const { code, message } = error;
    if (code === 'not_found') throw new Refusal('not_found', message, { cause: error });
    if (code === 'refused') throw new Refusal('invalid', message, { cause: error });
    throw sentryFailureOf(error);
  }
}

/** A Sentry that did not do what it was asked for, as the caller is told of it. */
export function sentryFailureOf(error: SentryError): Refusal {
  const { message, retryAfterMs } = error;
  const wait = retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) };
  return new Refusal('upstream_failed', message, { ...wait, cause: error });
}

function demandWithin(scope: Scope, wish: { readonly org: string; readonly project?: string }): void {
  if (scope.org === undefined) return;
  const allowed = scope.project === undefined ? scope.org : `${scope.org}/${scope.project}`;
  const outside = (field: string, place: string): Refusal =>
    invalidField(field, `${scope.keyName} is for ${allowed}, not for ${place}`);
  if (wish.org !== scope.org) throw outside('org', wish.org);
  if (scope.project === undefined || wish.project === undefined) return;
  if (wish.project !== scope.project) throw outside('project', `${wish.org}/${wish.project}`);
}

/** The issue in the organization that the key is for: elsewhere Sentry does not find it. */
function within(scope: Scope, { org = scope.org, issue }: IssueReference): IssueReference {
  if (org !== undefined) demandWithin(scope, { org });
  return { org, issue };
}

async function findIssue(
  { sentry }: SentryAccess,
  token: Secret,
  asked: { readonly scope: Scope; readonly wish: IssueReference; readonly signal: AbortSignal },
): Promise<SentryObject> {
  const { scope, wish, signal } = asked;
  const { text, projectSlug } = await sentry.findIssue(token, within(scope, wish), signal);
  if (scope.project !== undefined && projectSlug !== scope.project) {
    const place = `${scope.org ?? ''}/${scope.project}`;
    throw new Refusal('not_found', `${scope.keyName} is for ${place}, where this issue is not`);
  }
  return { text };
}

/** A key that is for one thing alone: the list has that, as Sentry describes it by itself. */
function listOf({ text }: SentryObject): SentryList {
  return { text: `[${text}]`, nextCursor: undefined };
}
