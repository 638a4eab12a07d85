/** One operation of the API: how it is reached, its parameters, and the scopes of which one is enough. */
export type Operation = {
  /** Below `/api/0`; a part with a colon stands for one encoded segment. */
  readonly path: string;
  readonly query: readonly string[];
  /** Empty: every token will do. */
  readonly scopes: readonly string[];
};

const organization = ['org:read', 'org:write', 'org:admin'];
const project = ['project:read', 'project:write', 'project:admin'];
const event = ['event:read', 'event:write', 'event:admin'];

/** The operations that the stand-in knows; `ORIGIN.md` says from where. All of them are reads. */
export const operations = {
  root: { path: '/', query: [], scopes: [] },
  organizations: {
    path: '/organizations/',
    query: ['owner', 'cursor', 'query', 'sortBy'],
    scopes: organization,
  },
  organization: { path: '/organizations/:org/', query: ['detailed'], scopes: organization },
  projects: { path: '/organizations/:org/projects/', query: ['cursor'], scopes: organization },
  project: { path: '/projects/:org/:project/', query: [], scopes: project },
  issues: {
    path: '/organizations/:org/issues/',
    query: [
      'environment',
      'project',
      'statsPeriod',
      'start',
      'end',
      'groupStatsPeriod',
      'shortIdLookup',
      'query',
      'viewId',
      'sort',
      'limit',
      'expand',
      'collapse',
      'cursor',
    ],
    scopes: event,
  },
  issue: { path: '/organizations/:org/issues/:issue/', query: ['collapse'], scopes: event },
  event: {
    path: '/organizations/:org/issues/:issue/events/:event/',
    query: ['environment'],
    scopes: event,
  },
  issueByNumber: { path: '/issues/:issue/', query: ['collapse'], scopes: event },
  eventByNumber: { path: '/issues/:issue/events/:event/', query: ['environment'], scopes: event },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof operations;

const sorts = ['date', 'freq', 'inbox', 'new', 'priority', 'recommended', 'trends', 'user'];

/** The operation that a path means, with the decoded segments that its colons stand for. */
export function findOperation(
  path: string,
): { readonly name: OperationName; readonly segments: ReadonlyMap<string, string> } | undefined {
  for (const name of Object.keys(operations) as OperationName[]) {
    const segments = matchPath(operations[name].path, path);
    if (segments !== undefined) return { name, segments };
  }
  return undefined;
}

function matchPath(pattern: string, path: string): ReadonlyMap<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const segments = new Map<string, string>();
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':') && value !== '') segments.set(part.slice(1), decodeURIComponent(value));
    else if (part !== value) return undefined;
  }
  return segments;
}

/** What is wrong with the parameters of a request; undefined: nothing. */
export function parameterProblem(name: OperationName, query: URLSearchParams): string | undefined {
  const known: readonly string[] = operations[name].query;
  const unknown = [...query.keys()].filter((key) => !known.includes(key));
  if (unknown.length > 0) return `not documented: ${unknown.join(', ')}`;
  const limit = query.get('limit');
  if (limit !== null && !/^(?:[1-9]\d?|100)$/u.test(limit)) return 'limit is not 1 to 100';
  const sort = query.get('sort');
  if (sort !== null && !sorts.includes(sort)) return `sort is none of ${sorts.join(', ')}`;
  const projects = query.getAll('project');
  return projects.every((id) => /^-?\d+$/u.test(id)) ? undefined : 'project is no number';
}
