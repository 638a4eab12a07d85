import type { SentryCall } from './sentry-http.ts';
import type { IssueReference, IssueSearch, SentryPage, SentryPlace } from './sentry.ts';

/** What Sentry is asked, before it is said with which token. */
export type Question = Omit<SentryCall, 'token' | 'signal'>;

/** The API's root: no description has it, and Sentry's own command line asks it whose a token is. */
export const tokenOwner: Question = {
  operation: 'verify_token',
  doing: 'tell whose token this is',
  path: '/',
  scope: 'org:read',
};

export function organizations({ cursor }: SentryPage): Question {
  return {
    operation: 'list_organizations',
    doing: 'list the organizations',
    path: pathOf('organizations'),
    query: { cursor },
    scope: 'org:read',
  };
}

export function organization(org: string): Question {
  return {
    operation: 'find_organization',
    doing: `find the organization ${org}`,
    path: pathOf('organizations', org),
    // Without it, everything that the organization has comes along.
    query: { detailed: '0' },
    scope: 'org:read',
  };
}

export function projects({ org, cursor }: { readonly org: string } & SentryPage): Question {
  return {
    operation: 'list_projects',
    doing: `list the projects of ${org}`,
    path: pathOf('organizations', org, 'projects'),
    query: { cursor },
    scope: 'org:read',
  };
}

export function project({ org, project: slug }: SentryPlace): Question {
  return {
    operation: 'find_project',
    doing: `find the project ${org}/${slug}`,
    path: pathOf('projects', org, slug),
    scope: 'project:read',
  };
}

/** The list takes projects by their number only; that of one project, by its slug, is deprecated. */
export function issues(search: IssueSearch, projectId: string): Question {
  const { org, project: slug, query, sort, limit, cursor } = search;
  return {
    operation: 'list_issues',
    doing: `list the issues of ${org}/${slug}`,
    path: pathOf('organizations', org, 'issues'),
    query: { project: projectId, query, sort, limit, cursor },
    scope: 'event:read',
  };
}

export function issue(reference: IssueReference): Question {
  return {
    operation: 'find_issue',
    doing: `find the issue ${reference.issue}`,
    path: issuePath(reference),
    scope: 'event:read',
  };
}

export function latestEvent(reference: IssueReference): Question {
  return {
    operation: 'find_latest_event',
    doing: `find the latest event of the issue ${reference.issue}`,
    path: issuePath(reference, 'events', 'latest'),
    scope: 'event:read',
  };
}

/** The description has issues below their organization; by the number alone they are found as well. */
function issuePath({ org, issue: id }: IssueReference, ...rest: readonly string[]): string {
  const place = org === undefined ? [] : ['organizations', org];
  return pathOf(...place, 'issues', id, ...rest);
}

/** Sentry's paths end with a slash. */
function pathOf(...parts: readonly string[]): string {
  return `/${parts.map((part) => encodeURIComponent(part)).join('/')}/`;
}
