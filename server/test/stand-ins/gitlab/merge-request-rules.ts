import { numberField } from '../../../src/lib/json-fields.ts';
import { ApiRefusal, forbidden, notFound, refusal, textList } from './api-answer.ts';
import type { ApiCall } from './api-answer.ts';
import { projectOf } from './project-operations.ts';
import { accessLevels, findProject, isDraftTitle, levelIn, rememberTips } from './state.ts';
import type { MergeRequest, Project, User } from './state.ts';

/** The project, for a caller who may read its merge requests. */
export function readableProject(call: ApiCall): Project {
  const project = projectOf(call, true);
  allowReading(call, project);
  return project;
}

/** 403 for who may not read the merge requests of a project that he sees; guests of a private one may not. */
export function allowReading(call: ApiCall, project: Project): void {
  const isOpen = project.visibility === 'public';
  const mayRead = isOpen || levelIn(project, call.token?.user) >= accessLevels.reporter;
  if (!mayRead || !project.hasMergeRequests) throw forbidden();
}

/** The merge request that a path names, in its target project. */
export function requestOf(call: ApiCall, project: Project): MergeRequest {
  const iid = Number(call.segments['iid']);
  const request = project.mergeRequests.find((one) => one.iid === iid);
  // Without the name of what is missing, as the real one words what its database does not find.
  if (request === undefined) throw refusal(404, '404 Not found');
  return request;
}

/** The project that a new merge request leads into: the one of its branch, or one that a fork came from. */
export function targetOf(call: ApiCall, source: Project): Project {
  const id = numberField(call.body, 'target_project_id');
  if (id === undefined || id === source.id) return source;
  const target = findProject(call.state, String(id));
  if (target === undefined) throw notFound('Project');
  if (rootOf(source) !== rootOf(target))
    throw new ApiRefusal(422, { error: ['Source project is not a fork of the target project'] });
  return target;
}

function rootOf(project: Project): Project {
  return project.forkedFrom === undefined ? project : rootOf(project.forkedFrom);
}

/** 403 for who may not push to the source, or not propose to the target; an archived one takes nothing. */
export function allowCreating(user: User, source: Project, target: Project): void {
  const mayPropose = target.visibility === 'public' || levelIn(target, user) >= accessLevels.reporter;
  const isOpen = [source, target].every((project) => !project.isArchived && project.hasMergeRequests);
  if (!isOpen || !mayPropose || levelIn(source, user) < accessLevels.developer) throw forbidden();
}

/** The checks of the model, with the statuses of lib/api/merge_requests.rb. */
export function validateRequest(request: MergeRequest): void {
  if (request.source === request.target && request.sourceBranch === request.targetBranch)
    throw new ApiRefusal(422, { error: ["You can't use same project/branch for source and target"] });
  const { title, description } = request;
  if (title.trim() === '') throw refusal(400, { title: ["can't be blank"] });
  // Code points, as Rails counts.
  if (Array.from(title).length > 255)
    throw refusal(400, { title: ['is too long (maximum is 255 characters)'] });
  if ((description ?? '').length > 1_048_576)
    throw refusal(400, { description: ['is too long (maximum is 1048576 characters)'] });
  if (request.state === 'opened') refuseSecond(request);
}

function refuseSecond({ id, source, target, sourceBranch, targetBranch }: MergeRequest): void {
  const other = target.mergeRequests.find(
    (one) =>
      one.id !== id &&
      one.state === 'opened' &&
      one.source === source &&
      one.sourceBranch === sourceBranch &&
      one.targetBranch === targetBranch,
  );
  if (other === undefined) return;
  throw refusal(409, [`Another open merge request already exists for this source branch: !${other.iid}`]);
}

/** Closes what is open for branches that are gone, as GitLab does after the push that deletes one. */
export async function closeWithoutBranch(project: Project, now: number): Promise<void> {
  const tipOf = rememberTips();
  for (const request of project.mergeRequests) {
    if (request.state !== 'opened' || !request.hadBranch) continue;
    if ((await tipOf(request)) !== undefined) continue;
    request.state = 'closed';
    request.closedAt = new Date(now).toISOString();
  }
}

/** Labels that the project does not have are made. */
export function takeLabels(project: Project, value: unknown): string[] {
  if (value === undefined) return [];
  const labels = [...new Set(textList(value))];
  if (labels.some((label) => label.length > 255))
    throw refusal(400, { labels: ['is too long (maximum is 255 characters)'] });
  for (const label of labels) project.labels.add(label);
  return labels;
}

/** The labels after an update: all new ones, or some more and some less. */
export function changedLabels(project: Project, request: MergeRequest, body: ApiCall['body']): string[] {
  const base = body['labels'] === undefined ? request.labels : takeLabels(project, body['labels']);
  const removed = new Set(body['remove_labels'] === undefined ? [] : textList(body['remove_labels']));
  const all = new Set([...base, ...takeLabels(project, body['add_labels'])]);
  return [...all].filter((label) => !removed.has(label));
}

/** A description without the lines that are quick actions ("GitLab quick actions"), and those lines. */
export function partQuickActions(text: string): {
  readonly rest: string;
  readonly actions: readonly string[];
} {
  const isAction = (line: string): boolean => /^\s*\/(?:[a-z_]+)\b/u.test(line);
  const lines = text.split('\n');
  return {
    rest: lines.filter((line) => !isAction(line)).join('\n'),
    actions: lines.filter(isAction),
  };
}

/** What an event makes of a state; those that a state does not take are passed over. */
export function nextState(state: MergeRequest['state'], event: unknown): MergeRequest['state'] {
  if (event === 'close' && state === 'opened') return 'closed';
  if (event === 'reopen' && state === 'closed') return 'opened';
  return state;
}

/** Whether a merge request is in the list that the query asks for. */
export function isListed({ query }: ApiCall, request: MergeRequest): boolean {
  const state = query.get('state') ?? 'all';
  const [source, target, wip] = [query.get('source_branch'), query.get('target_branch'), query.get('wip')];
  const labels = textList(query.get('labels') ?? '');
  return (
    (state === 'all' || request.state === state) &&
    (source === null || request.sourceBranch === source) &&
    (target === null || request.targetBranch === target) &&
    (wip === null || isDraftTitle(request.title) === (wip === 'yes')) &&
    (query.get('author_username') ?? request.author.username) === request.author.username &&
    labels.every((label) => request.labels.includes(label))
  );
}
