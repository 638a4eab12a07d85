import type { SentryIssueList, SentryOrganizationList, SentryProjectList } from './api-types.ts';
import type { RequestOptions } from './request-options.ts';
import { pathPart, read, type Transport } from './transport.ts';

/** An issue or an event, as Sentry gives it. */
export type SentryObject = Readonly<Record<string, unknown>>;

export type SentryIssueQuery = {
  /** The name of a stored key for Sentry. */
  readonly key: string;
  readonly org: string;
  readonly project: string;
  /** In Sentry's language; `is:unresolved` where it is left out. */
  readonly query?: string | undefined;
  readonly sort?: 'freq' | 'date' | 'priority' | undefined;
  /** 50 where it is left out; at most 100. */
  readonly limit?: number | undefined;
};

/** Names an issue: its number, or with `org` its short id. `key` is the name of a stored key for Sentry. */
export type SentryIssueReference = {
  readonly key: string;
  readonly issue: string;
  readonly org?: string | undefined;
};

/** What Sentry has, in its own JSON, through a stored key. Of long lists the first page. */
export type Sentry = {
  readonly organizations: (key: string, options?: RequestOptions) => Promise<SentryOrganizationList>;
  readonly projects: (
    of: { readonly key: string; readonly org: string },
    options?: RequestOptions,
  ) => Promise<SentryProjectList>;
  readonly issues: (query: SentryIssueQuery, options?: RequestOptions) => Promise<SentryIssueList>;
  readonly issue: (issue: SentryIssueReference, options?: RequestOptions) => Promise<SentryObject>;
  readonly latestEvent: (issue: SentryIssueReference, options?: RequestOptions) => Promise<SentryObject>;
};

export function createSentry(transport: Transport): Sentry {
  const get = <Body>(
    path: string,
    { key, ...rest }: { readonly key: string } & Readonly<Record<string, string | number | undefined>>,
    { signal }: RequestOptions = {},
  ): Promise<Body> =>
    transport.json({ ...read(`api/v1/sentry/${path}`, signal), query: { key_name: key, ...rest } });
  return {
    organizations: (key, options) => get('organizations', { key }, options),
    projects: ({ key, org }, options) => get('projects', { key, org }, options),
    issues: ({ key, org, project, query, sort, limit }, options) =>
      get('issues', { key, org, project, query, sort, limit }, options),
    issue: async ({ issue, key, org }, options) => get(`issues/${pathPart(issue)}`, { key, org }, options),
    latestEvent: async ({ issue, key, org }, options) =>
      get(`issues/${pathPart(issue)}/latest-event`, { key, org }, options),
  };
}
