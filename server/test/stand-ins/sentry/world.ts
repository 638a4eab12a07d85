import type { OperationName } from './operations.ts';

export type Organization = { readonly id: string; readonly slug: string; readonly name: string };
export type Project = {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly platform: string;
  readonly org: Organization;
};
export type Issue = {
  readonly id: string;
  readonly shortId: string;
  readonly title: string;
  readonly status: 'unresolved' | 'resolved';
  readonly project: Project;
};
export type Token = {
  readonly value: string;
  readonly scopes: readonly string[];
  /** Undefined: the token is an organization's. */
  readonly user: { readonly username: string; readonly email: string } | undefined;
};

export type World = {
  readonly organizations: Organization[];
  readonly projects: Project[];
  readonly issues: Issue[];
  readonly tokens: Token[];
};

export type Ask = {
  readonly world: World;
  readonly token: Token;
  readonly segments: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
};

/** What an operation finds: a list goes out in pages. */
export type Finding =
  | { readonly kind: 'object'; readonly body: unknown }
  | { readonly kind: 'list'; readonly entries: readonly unknown[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly detail: string };

const missing: Finding = { kind: 'missing' };
const found = (body: unknown): Finding => (body === undefined ? missing : { kind: 'object', body });

export const answers: Readonly<Record<OperationName, (ask: Ask) => Finding>> = {
  root: ({ token: { scopes, user } }) => found({ version: '0', auth: { scopes }, user: user ?? null }),
  organizations: ({ world }) => ({ kind: 'list', entries: world.organizations }),
  organization: (ask) => found(organizationOf(ask)),
  projects: (ask) => {
    const org = organizationOf(ask);
    if (org === undefined) return missing;
    const entries = ask.world.projects.filter((project) => project.org === org).map(shownProject);
    return { kind: 'list', entries };
  },
  project: (ask) => {
    const slug = ask.segments.get('project');
    const org = organizationOf(ask);
    const project = ask.world.projects.find(
      (one) => one.org === org && [one.slug, one.id].includes(slug ?? ''),
    );
    return found(project && { ...shownProject(project), organization: project.org });
  },
  issues: findIssues,
  issue: (ask) => found(shownIssue(issueOf(ask))),
  issueByNumber: (ask) => found(shownIssue(issueOf(ask))),
  event: (ask) => found(latestEvent(issueOf(ask))),
  eventByNumber: (ask) => found(latestEvent(issueOf(ask))),
};

function findIssues(ask: Ask): Finding {
  const org = organizationOf(ask);
  if (org === undefined) return missing;
  const search = ask.query.get('query') ?? 'is:unresolved';
  const state = /(?:^|\s)is:(?<state>\w*)/u.exec(search)?.groups?.['state'];
  if (state !== undefined && !['unresolved', 'resolved'].includes(state)) {
    return { kind: 'refused', detail: `Invalid value "${state}" for "is" search` };
  }
  const projects = ask.query.getAll('project');
  const entries = ask.world.issues.filter(
    ({ project, status }) =>
      project.org === org &&
      (projects.length === 0 || projects.includes(project.id)) &&
      (state === undefined || status === state),
  );
  const limit = Number(ask.query.get('limit') ?? 100);
  return { kind: 'list', entries: entries.slice(0, limit).map(shownIssue) };
}

function organizationOf({ world, segments }: Ask): Organization | undefined {
  const slug = segments.get('org') ?? '';
  return world.organizations.find((one) => one.slug === slug || one.id === slug);
}

/** By its number, and below its organization by its short id too. */
function issueOf(ask: Ask): Issue | undefined {
  const id = ask.segments.get('issue');
  if (!ask.segments.has('org')) return ask.world.issues.find((issue) => issue.id === id);
  const org = organizationOf(ask);
  return ask.world.issues.find(
    (issue) => issue.project.org === org && (issue.id === id || issue.shortId === id?.toUpperCase()),
  );
}

function shownProject({ id, slug, name, platform }: Project): object {
  return { id, slug, name, platform };
}

function shownIssue(issue: Issue | undefined): object | undefined {
  if (issue === undefined) return undefined;
  const { id, shortId, title, status, project } = issue;
  const metadata = { type: 'TypeError', value: title };
  return {
    id,
    shortId,
    title,
    culprit: 'app/cart in total',
    status,
    count: '42',
    metadata,
    project: shownProject(project),
  };
}

function latestEvent(issue: Issue | undefined): object | undefined {
  if (issue === undefined) return undefined;
  const id = issue.id.padStart(32, '0');
  const stacktrace = { frames: [{ filename: 'app/cart.js', function: 'total', lineNo: 42 }] };
  return {
    id,
    eventID: id,
    groupID: issue.id,
    projectID: issue.project.id,
    title: issue.title,
    entries: [{ type: 'exception', data: { values: [{ type: 'TypeError', stacktrace }] } }],
    tags: [{ key: 'environment', value: 'production' }],
    contexts: {},
  };
}
