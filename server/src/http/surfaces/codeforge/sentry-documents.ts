import { documented } from '../../documented.ts';
import { eventObject, issueList, issueObject, organizationList, projectList } from './sentry-schemas.ts';

const errors = {
  404: 'The caller has no such key, or Sentry has no such thing for its token.',
  502: "Sentry failed, or it does not take the key's token, or the token lacks a scope: the message says which. With `Retry-After` where Sentry wants to be left alone for a while.",
};

const scoped =
  'With a key that has a scope, only what lies in it is found: it is an organization, or one project of it.';
const paged =
  'Where there is more, the answer has a header `Link` with `rel="next"`, whose address is this one\'s with a `cursor`.';

const issueExample = {
  id: '4507089613',
  shortId: 'WEB-1A',
  title: "TypeError: Cannot read properties of undefined (reading 'id')",
  culprit: 'app/cart in total',
  level: 'error',
  status: 'unresolved',
  count: '42',
  userCount: 7,
  firstSeen: '2026-02-20T10:00:00.000000Z',
  lastSeen: '2026-02-26T18:38:10.277000Z',
  metadata: { type: 'TypeError', value: "Cannot read properties of undefined (reading 'id')" },
  project: { id: '11276', name: 'Web', slug: 'web', platform: 'javascript' },
};

/** What the description says of the routes for Sentry. */
export const sentryDocuments = {
  organizations: documented({
    operationId: 'listSentryOrganizations',
    summary: 'List the organizations of a Sentry token',
    description: `${scoped} ${paged}`,
    tag: 'Sentry',
    needs: 'projects:read',
    answers: {
      200: {
        description: "Sentry's list.",
        schema: organizationList,
        example: { organizations: [{ id: '4505', slug: 'acme', name: 'Acme' }] },
      },
    },
    errors,
  }),
  projects: documented({
    operationId: 'listSentryProjects',
    summary: 'List the projects of an organization in Sentry',
    description: `${scoped} ${paged}`,
    tag: 'Sentry',
    needs: 'projects:read',
    answers: {
      200: {
        description: "Sentry's list.",
        schema: projectList,
        example: { projects: [{ id: '11276', slug: 'web', name: 'Web', platform: 'javascript' }] },
      },
    },
    errors,
  }),
  issues: documented({
    operationId: 'listSentryIssues',
    summary: 'Search the issues of a project in Sentry',
    description: `Outside of the scope of the key: 400. ${paged}`,
    tag: 'Sentry',
    needs: 'projects:read',
    answers: {
      200: { description: "Sentry's list.", schema: issueList, example: { issues: [issueExample] } },
    },
    errors: { ...errors, 400: 'A field is wrong, or Sentry does not understand the search.' },
  }),
  issue: documented({
    operationId: 'getSentryIssue',
    summary: 'Read an issue of Sentry',
    description: scoped,
    tag: 'Sentry',
    needs: 'projects:read',
    answers: {
      200: { description: "Sentry's issue, to the letter.", schema: issueObject, example: issueExample },
    },
    errors,
  }),
  latestEvent: documented({
    operationId: 'getLatestSentryEvent',
    summary: 'Read the latest event of an issue of Sentry',
    description: `Whole, with stack trace, breadcrumbs, tags and context. ${scoped}`,
    tag: 'Sentry',
    needs: 'projects:read',
    answers: {
      200: {
        description: "Sentry's event, to the letter.",
        schema: eventObject,
        example: {
          id: '1c2f9a7be23d4d55a6f1c2f9a7be23d4',
          eventID: '1c2f9a7be23d4d55a6f1c2f9a7be23d4',
          groupID: '4507089613',
          projectID: '11276',
          title: issueExample.title,
          dateCreated: '2026-02-26T18:38:10Z',
          tags: [{ key: 'environment', value: 'production' }],
          entries: [],
        },
      },
    },
    errors,
  }),
};
