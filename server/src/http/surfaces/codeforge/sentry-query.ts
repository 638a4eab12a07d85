import { isSentrySlug } from '../../../domain/key.ts';
import type { IssueReference, IssueSearch } from '../../../services/browse-sentry.ts';
import { invalidFields } from './field-errors.ts';
import { wholeNumber } from './list-query.ts';
import {
  defaultSearch,
  issueLimits,
  issueSorts,
  type IssueQuery,
  type IssuesQuery,
  type OrganizationsQuery,
  type ProjectsQuery,
} from './sentry-schemas.ts';
import { textProblem } from '../../text-problem.ts';

type ByKey = { readonly keyName: string };
type Page = { readonly cursor: string | undefined };

const required = 'field is required';
const searchMaxBytes = 4_096;
const cursorMaxBytes = 500;

/**
 * Each of these reads the query of its route, whose types have been checked; an empty field is absent.
 *
 * @throws Refusal `invalid` with every wrong field.
 */
export function parseOrganizationsQuery(query: OrganizationsQuery): ByKey & Page {
  const { key_name: keyName, cursor } = query;
  refuse({ key_name: keyProblem(keyName), cursor: cursorProblem(cursor) });
  return { keyName, cursor: cursor || undefined };
}

export function parseProjectsQuery(query: ProjectsQuery): ByKey & Page & { readonly org: string } {
  const { key_name: keyName, org, cursor } = query;
  refuse({ key_name: keyProblem(keyName), org: slugProblem(org), cursor: cursorProblem(cursor) });
  return { keyName, org, cursor: cursor || undefined };
}

export function parseIssuesQuery(query: IssuesQuery): ByKey & IssueSearch {
  const { key_name: keyName, org, project, query: search, sort, cursor } = query;
  const isSort = !sort || issueSorts.some((known) => known === sort);
  refuse({
    key_name: keyProblem(keyName),
    org: slugProblem(org),
    project: slugProblem(project),
    query: textProblem(search, { maxBytes: searchMaxBytes, lines: false }),
    sort: isSort ? undefined : `must be one of ${issueSorts.join(', ')}`,
    cursor: cursorProblem(cursor),
  });
  const limit = wholeNumber('limit', query.limit) ?? issueLimits.default;
  return {
    keyName,
    org,
    project,
    query: search || defaultSearch,
    sort: sort || undefined,
    limit: Math.min(Math.max(limit, issueLimits.min), issueLimits.max),
    cursor: cursor || undefined,
  };
}

export function parseIssueQuery(issueId: string, query: IssueQuery): ByKey & IssueReference {
  const { key_name: keyName, org } = query;
  refuse({
    issueID: isIssueId(issueId) ? undefined : 'must be the number of an issue, or a short id such as WEB-1A',
    key_name: keyProblem(keyName),
    org: org ? slugProblem(org) : undefined,
  });
  return { keyName, issue: issueId, org: org || undefined };
}

function refuse(problems: Readonly<Record<string, string | undefined>>): void {
  const found = Object.entries(problems).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (found.length > 0) throw invalidFields(Object.fromEntries(found));
}

function keyProblem(name: string): string | undefined {
  return name === '' ? required : undefined;
}

function slugProblem(slug: string): string | undefined {
  if (slug === '') return required;
  return isSentrySlug(slug) ? undefined : 'must be a slug: letters, digits, "-" and "_"';
}

function cursorProblem(cursor: string | undefined): string | undefined {
  return textProblem(cursor, { maxBytes: cursorMaxBytes, lines: false });
}

/** A number, or a short id: the project's prefix and a number in base 32. */
function isIssueId(text: string): boolean {
  return /^(?:\d{1,20}|[A-Za-z0-9_]{1,60}(?:-[A-Za-z0-9_]{1,60}){1,10})$/u.test(text);
}
