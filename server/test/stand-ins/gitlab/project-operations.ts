import { ApiRefusal, forbidden, notFound, paginate, refusal, userOf } from './api-answer.ts';
import type { ApiAnswer, ApiCall } from './api-answer.ts';
import {
  listCommits,
  presentBranch,
  presentCommit,
  presentComparison,
  resolveRef,
} from './present-commit.ts';
import { presentCurrentUser, presentProject, presentSimpleProject, presentToken } from './present-project.ts';
import { accessLevels, findProject, levelIn } from './state.ts';
import type { Project } from './state.ts';

/** `GET /user`. */
export function answerCurrentUser(call: ApiCall): ApiAnswer {
  return { status: 200, body: presentCurrentUser(call.web, userOf(call)) };
}

/** `GET /personal_access_tokens/self`; tokens of OAuth are none. */
export function answerCurrentToken(call: ApiCall): ApiAnswer {
  userOf(call);
  if (call.token?.kind !== 'personal')
    throw refusal(400, '400 Bad request - This endpoint requires token type to be a personal access token');
  return { status: 200, body: presentToken(call.token, call.now) };
}

/**
 * The project that a path names, as far as the caller may know of it. One that was moved answers GET with
 * a redirect to its number and refuses the rest ("REST API": redirects).
 */
export function projectOf(call: ApiCall, isRead: boolean): Project {
  const id = call.segments['id'] ?? '';
  const project = findProject(call.state, id);
  if (project === undefined || !maySee(call, project)) throw notFound('Project');
  if (/^\d+$/u.test(id) || project.path.toLowerCase() === id.toLowerCase()) return project;
  if (!isRead) throw refusal(405, 'Non GET methods are not allowed for moved projects');
  const rest = call.path
    .split('/')
    .slice(3)
    .map((part) => `/${part}`)
    .join('');
  const query = call.query.size === 0 ? '' : `?${call.query.toString()}`;
  const location = `${call.web}/api/v4/projects/${project.id}${rest}${query}`;
  throw new ApiRefusal(302, `This resource has been moved temporarily to ${location}.`, {
    location,
    'content-type': 'text/plain',
  });
}

/** `GET /projects/:id`. */
export function answerProject(call: ApiCall): ApiAnswer {
  const project = projectOf(call, true);
  return { status: 200, body: presentProject(call.web, call.state, project, call.token?.user) };
}

/** `GET /projects`. */
export function answerProjects(call: ApiCall): ApiAnswer {
  const found = call.state.projects.filter((project) => maySee(call, project) && isWanted(call, project));
  const orderBy = call.query.get('order_by') ?? 'created_at';
  const sign = call.query.get('sort') === 'asc' ? 1 : -1;
  found.sort((a, b) => sign * (compareText(sortKey(a, orderBy), sortKey(b, orderBy)) || a.id - b.id));
  const page = paginate(call, found);
  const isSimple = call.query.get('simple') === 'true';
  const body = page.entries.map((project) =>
    isSimple
      ? presentSimpleProject(call.web, call.state, project)
      : presentProject(call.web, call.state, project, call.token?.user),
  );
  return { status: 200, body, headers: page.headers };
}

/** `GET /projects/:id/repository/branches/:branch`. */
export async function answerBranch(call: ApiCall): Promise<ApiAnswer> {
  const project = codeOf(call);
  const branch = await presentBranch(call.web, project, call.segments['branch'] ?? '', call.token?.user);
  if (branch === undefined) throw notFound('Branch');
  return { status: 200, body: branch };
}

/** `GET /projects/:id/repository/commits` of a branch, a commit or a range, the newest first. */
export async function answerCommits(call: ApiCall): Promise<ApiAnswer> {
  const project = codeOf(call);
  const asked = call.query.get('ref_name') ?? project.defaultBranch ?? '';
  const refs = await Promise.all(asked.split('..').map((ref) => resolveRef(project.repository, ref)));
  if (refs.length > 2 || refs.includes(undefined)) throw notFound('Tree');
  const page = paginate(call, await listCommits(project, refs.join('..')));
  const body = await Promise.all(page.entries.map((commit) => presentCommit(call.web, project, commit)));
  return { status: 200, body, headers: page.headers };
}

/** `GET /projects/:id/repository/compare`. */
export async function answerCompare(call: ApiCall): Promise<ApiAnswer> {
  const project = codeOf(call);
  const from = await resolveRef(project.repository, call.query.get('from') ?? '');
  const to = await resolveRef(project.repository, call.query.get('to') ?? '');
  if (from === undefined || to === undefined) throw notFound('Ref');
  return { status: 200, body: await presentComparison(call.web, project, from, to) };
}

/** The project, for a caller who may read its code: guests of a private one may not. */
function codeOf(call: ApiCall): Project {
  const project = projectOf(call, true);
  const isOpen = project.visibility === 'public';
  if (!isOpen && levelIn(project, call.token?.user) < accessLevels.reporter) throw forbidden();
  return project;
}

function maySee(call: ApiCall, project: Project): boolean {
  return project.visibility === 'public' || levelIn(project, call.token?.user) > 0;
}

function isWanted({ query, token }: ApiCall, project: Project): boolean {
  const level = levelIn(project, token?.user);
  const [archived, search, visibility] = [
    query.get('archived'),
    query.get('search'),
    query.get('visibility'),
  ];
  return (
    (query.get('membership') !== 'true' || level > 0) &&
    (query.get('owned') !== 'true' || level === accessLevels.owner) &&
    level >= Number(query.get('min_access_level') ?? 0) &&
    (archived === null || String(project.isArchived) === archived) &&
    (search === null || project.path.toLowerCase().includes(search.toLowerCase())) &&
    (visibility === null || project.visibility === visibility)
  );
}

function sortKey(project: Project, orderBy: string): string {
  if (orderBy === 'last_activity_at' || orderBy === 'updated_at') return project.lastActivityAt;
  if (orderBy === 'name' || orderBy === 'path') return project.path.slice(project.path.lastIndexOf('/') + 1);
  return orderBy === 'created_at' ? project.createdAt : '';
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
