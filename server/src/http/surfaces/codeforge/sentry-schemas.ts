import { Type, type Static } from 'typebox';
import { stated } from '../../documented.ts';
import { optionalText } from '../../schema-parts.ts';

export const issueLimits = { default: 50, min: 1, max: 100 } as const;
export const issueSorts = ['freq', 'date', 'priority'] as const;
export const defaultSearch = 'is:unresolved';

const keyName = Type.String({ description: 'The name of a stored key for Sentry.' });
const org = Type.String({ description: "The organization's slug." });
const cursor = optionalText('Where the list goes on: from the header `Link` of the page before.');

export const organizationsQuery = Type.Object({ key_name: keyName, cursor });
export type OrganizationsQuery = Static<typeof organizationsQuery>;

export const projectsQuery = Type.Object({ key_name: keyName, org, cursor });
export type ProjectsQuery = Static<typeof projectsQuery>;

export const issuesQuery = Type.Object({
  key_name: keyName,
  org,
  project: Type.String({ description: "The project's slug." }),
  query: optionalText("A search in Sentry's language.", stated({ default: defaultSearch })),
  sort: optionalText('The order; as Sentry sorts where it is left out.', stated({ enum: issueSorts })),
  limit: optionalText(
    'How many at most; moved into its range.',
    stated({
      type: 'integer',
      minimum: issueLimits.min,
      maximum: issueLimits.max,
      default: issueLimits.default,
    }),
  ),
  cursor,
});
export type IssuesQuery = Static<typeof issuesQuery>;

export const issueParams = Type.Object({
  issueID: Type.String({ description: "The issue's number, or its short id such as `WEB-1A`." }),
});

export const issueQuery = Type.Object({
  key_name: keyName,
  org: optionalText(
    "The slug of the issue's organization: needed with a short id, and where the server of Sentry has several regions.",
  ),
});
export type IssueQuery = Static<typeof issueQuery>;

/** What Sentry answers is not described here, and nothing of it is changed. */
const raw = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

export const organizationList = Type.Object(
  { organizations: Type.Array(raw('An organization.'), { description: 'As Sentry gives them.' }) },
  { title: 'SentryOrganizationList' },
);
export const projectList = Type.Object(
  { projects: Type.Array(raw('A project.'), { description: 'As Sentry gives them.' }) },
  { title: 'SentryProjectList' },
);
export const issueList = Type.Object(
  { issues: Type.Array(raw('An issue.'), { description: 'As Sentry gives them.' }) },
  { title: 'SentryIssueList' },
);
export const issueObject = raw('The issue, as Sentry gives it.');
export const eventObject = raw('The event, as Sentry gives it.');
