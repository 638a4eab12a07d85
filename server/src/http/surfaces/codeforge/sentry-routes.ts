import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { SentryList } from '../../../services/browse-sentry.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { leavingOf } from '../../request-parts.ts';
import { sentryDocuments } from './sentry-documents.ts';
import {
  parseIssueQuery,
  parseIssuesQuery,
  parseOrganizationsQuery,
  parseProjectsQuery,
} from './sentry-query.ts';
import { issueParams, issueQuery, issuesQuery, organizationsQuery, projectsQuery } from './sentry-schemas.ts';

/** What Sentry has, through a stored key: its own JSON, lists in an object. */
export function addSentryRoutes(api: FastifyInstance, { services, auth, closing }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  const { browseSentry } = services;
  const signalOf = (reply: FastifyReply): AbortSignal => AbortSignal.any([closing, leavingOf(reply)]);
  typed.get(
    '/sentry/organizations',
    { schema: { querystring: organizationsQuery }, config: sentryDocuments.organizations },
    async (request, reply) => {
      const wish = parseOrganizationsQuery(request.query);
      const list = await browseSentry.organizations(auth.callerOf(request), wish, signalOf(reply));
      return sendList(reply, 'organizations', list, request.query);
    },
  );
  typed.get(
    '/sentry/projects',
    { schema: { querystring: projectsQuery }, config: sentryDocuments.projects },
    async (request, reply) => {
      const wish = parseProjectsQuery(request.query);
      const list = await browseSentry.projects(auth.callerOf(request), wish, signalOf(reply));
      return sendList(reply, 'projects', list, request.query);
    },
  );
  typed.get(
    '/sentry/issues',
    { schema: { querystring: issuesQuery }, config: sentryDocuments.issues },
    async (request, reply) => {
      const wish = parseIssuesQuery(request.query);
      const list = await browseSentry.issues(auth.callerOf(request), wish, signalOf(reply));
      return sendList(reply, 'issues', list, request.query);
    },
  );
  typed.get(
    '/sentry/issues/:issueID',
    { schema: { params: issueParams, querystring: issueQuery }, config: sentryDocuments.issue },
    async (request, reply) => {
      const wish = parseIssueQuery(request.params.issueID, request.query);
      const found = await browseSentry.issue(auth.callerOf(request), wish, signalOf(reply));
      return sendJson(reply, found.text);
    },
  );
  typed.get(
    '/sentry/issues/:issueID/latest-event',
    { schema: { params: issueParams, querystring: issueQuery }, config: sentryDocuments.latestEvent },
    async (request, reply) => {
      const wish = parseIssueQuery(request.params.issueID, request.query);
      const found = await browseSentry.latestEvent(auth.callerOf(request), wish, signalOf(reply));
      return sendJson(reply, found.text);
    },
  );
}

/** JSON that goes out as it came: what is parsed and written again may lose a digit of a number. */
function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text);
}

function sendList(
  reply: FastifyReply,
  name: string,
  { text, nextCursor }: SentryList,
  query: Readonly<Record<string, string>>,
): FastifyReply {
  if (nextCursor !== undefined) {
    // By its query alone, so that it leads to the same path through every proxy.
    const next = new URLSearchParams({ ...query, cursor: nextCursor });
    reply.header('link', `<?${next.toString()}>; rel="next"`);
  }
  return sendJson(reply, `{"${name}":${text}}`);
}
