/** What a parameter may hold. `list`: a text with commas, or an array of texts. An array: one of these texts. */
export type ParameterKind = 'text' | 'integer' | 'boolean' | 'list' | readonly string[] | Group;
export type Parameters = { readonly [name: string]: ParameterKind };
/** Parameters within one, `position[new_line]` in the documentation. */
export type Group = { readonly fields: Parameters; readonly required: readonly string[] };

/** One operation of the API: how it is reached, and every parameter that the documentation has for it. */
export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Below `/api/v4`; a part with a colon stands for one encoded segment. */
  readonly path: string;
  readonly query: Parameters;
  readonly body: Parameters;
  readonly required: readonly string[];
  /** Any of these scopes of a token is enough; undefined: every one is. */
  readonly scopes: readonly string[] | undefined;
};

const pages: Parameters = { page: 'integer', per_page: 'integer' };
const reading = ['api', 'read_api'];
const sort = ['asc', 'desc'];

/**
 * The operations that the stand-in knows, by name, with the parameters that docs.gitlab.com documents for
 * them (GitLab 18): the pages "Users API", "Personal access tokens API", "Projects API", "Issues API", "Merge
 * requests API", "Branches API", "Commits API", "Repositories API", "Notes API", "Discussions API". The real server
 * passes over what it does not know, which hides misspelt names; this one refuses it.
 */
export const operations = {
  currentUser: read('/user', {}, ['api', 'read_api', 'read_user']),
  currentToken: { ...read('/personal_access_tokens/self', {}), scopes: undefined },
  project: read('/projects/:id', {
    license: 'boolean',
    statistics: 'boolean',
    with_custom_attributes: 'boolean',
  }),
  projects: read('/projects', {
    ...pages,
    archived: 'boolean',
    id_after: 'integer',
    id_before: 'integer',
    last_activity_after: 'text',
    last_activity_before: 'text',
    membership: 'boolean',
    min_access_level: 'integer',
    order_by: [
      'id',
      'name',
      'path',
      'created_at',
      'updated_at',
      'star_count',
      'last_activity_at',
      'similarity',
    ],
    owned: 'boolean',
    search: 'text',
    search_namespaces: 'boolean',
    simple: 'boolean',
    sort,
    starred: 'boolean',
    visibility: ['public', 'internal', 'private'],
    with_issues_enabled: 'boolean',
    with_merge_requests_enabled: 'boolean',
  }),
  issue: read('/projects/:id/issues/:iid', {}),
  mergeRequests: read('/projects/:id/merge_requests', {
    ...pages,
    author_id: 'integer',
    author_username: 'text',
    created_after: 'text',
    created_before: 'text',
    'iids[]': 'list',
    labels: 'list',
    order_by: [
      'created_at',
      'label_priority',
      'merged_at',
      'milestone_due',
      'popularity',
      'priority',
      'title',
      'updated_at',
    ],
    scope: ['created_by_me', 'assigned_to_me', 'all'],
    search: 'text',
    sort,
    source_branch: 'text',
    state: ['all', 'opened', 'closed', 'locked', 'merged'],
    target_branch: 'text',
    updated_after: 'text',
    updated_before: 'text',
    view: ['simple'],
    wip: ['yes', 'no'],
    with_labels_details: 'boolean',
  }),
  mergeRequest: read('/projects/:id/merge_requests/:iid', {
    include_diverged_commits_count: 'boolean',
    include_rebase_in_progress: 'boolean',
    render_html: 'boolean',
  }),
  createMergeRequest: write(
    'POST',
    '/projects/:id/merge_requests',
    {
      source_branch: 'text',
      target_branch: 'text',
      title: 'text',
      target_project_id: 'integer',
      ...editable(),
    },
    ['source_branch', 'target_branch', 'title'],
  ),
  updateMergeRequest: write('PUT', '/projects/:id/merge_requests/:iid', {
    title: 'text',
    target_branch: 'text',
    add_labels: 'list',
    remove_labels: 'list',
    discussion_locked: 'boolean',
    state_event: ['close', 'reopen'],
    ...editable(),
  }),
  mergeRequestVersions: read('/projects/:id/merge_requests/:iid/versions', pages),
  mergeRequestDiffs: read('/projects/:id/merge_requests/:iid/diffs', { ...pages, unidiff: 'boolean' }),
  mergeRequestNotes: read('/projects/:id/merge_requests/:iid/notes', {
    ...pages,
    sort,
    order_by: ['created_at', 'updated_at'],
  }),
  createMergeRequestNote: write(
    'POST',
    '/projects/:id/merge_requests/:iid/notes',
    {
      body: 'text',
      created_at: 'text',
      internal: 'boolean',
    },
    ['body'],
  ),
  mergeRequestDiscussions: read('/projects/:id/merge_requests/:iid/discussions', pages),
  createMergeRequestDiscussion: write(
    'POST',
    '/projects/:id/merge_requests/:iid/discussions',
    { body: 'text', commit_id: 'text', created_at: 'text', position: position() },
    ['body'],
  ),
  branch: read('/projects/:id/repository/branches/:branch', {}),
  commits: read('/projects/:id/repository/commits', {
    ...pages,
    all: 'boolean',
    author: 'text',
    first_parent: 'boolean',
    order: ['default', 'topo'],
    path: 'text',
    ref_name: 'text',
    since: 'text',
    trailers: 'boolean',
    until: 'text',
    with_stats: 'boolean',
  }),
  compare: {
    ...read('/projects/:id/repository/compare', {
      from: 'text',
      to: 'text',
      from_project_id: 'integer',
      straight: 'boolean',
      unidiff: 'boolean',
    }),
    required: ['from', 'to'],
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof operations;

function read(path: string, query: Parameters, scopes: readonly string[] = reading): Operation {
  return { method: 'GET', path, query, body: {}, required: [], scopes };
}

function write(
  method: 'POST' | 'PUT',
  path: string,
  body: Parameters,
  required: readonly string[] = [],
): Operation {
  return { method, path, query: {}, body, required, scopes: ['api'] };
}

/** The parameters that creating and updating a merge request share. */
function editable(): Parameters {
  return {
    description: 'text',
    labels: 'list',
    allow_collaboration: 'boolean',
    allow_maintainer_to_push: 'boolean',
    assignee_id: 'integer',
    assignee_ids: 'list',
    merge_after: 'text',
    milestone_id: 'integer',
    remove_source_branch: 'boolean',
    reviewer_ids: 'list',
    squash: 'boolean',
  };
}

/** Where a note on a diff stands ("Discussions API": a new thread in the merge request diff). */
function position(): Group {
  return {
    fields: {
      base_sha: 'text',
      head_sha: 'text',
      start_sha: 'text',
      position_type: ['text', 'image', 'file'],
      new_path: 'text',
      old_path: 'text',
      new_line: 'integer',
      old_line: 'integer',
      height: 'integer',
      width: 'integer',
      x: 'integer',
      y: 'integer',
    },
    required: ['base_sha', 'head_sha', 'start_sha', 'position_type', 'new_path', 'old_path'],
  };
}

/** The operation that a request means, with the decoded segments that its path's colons stand for. */
export function findOperation(
  method: string,
  path: string,
): { readonly name: OperationName; readonly segments: Readonly<Record<string, string>> } | undefined {
  for (const name of Object.keys(operations) as OperationName[]) {
    if (operations[name].method !== method) continue;
    const segments = matchPath(operations[name].path, path);
    if (segments !== undefined) return { name, segments };
  }
  return undefined;
}

function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const segments: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':') && value !== '') segments[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return undefined;
  }
  return segments;
}
