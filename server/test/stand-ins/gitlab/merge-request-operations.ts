import { textField } from '../../../src/lib/json-fields.ts';
import { ApiRefusal, forbidden, paginate, refusal, userOf } from './api-answer.ts';
import type { ApiAnswer, ApiCall } from './api-answer.ts';
import {
  allowCreating,
  changedLabels,
  closeWithoutBranch,
  isListed,
  nextState,
  partQuickActions,
  readableProject,
  requestOf,
  takeLabels,
  targetOf,
  validateRequest,
} from './merge-request-rules.ts';
import { syncVersions } from './diff-versions.ts';
import { presentMergeRequest, presentSingleMergeRequest } from './present-merge-request.ts';
import { projectOf } from './project-operations.ts';
import { accessLevels, levelIn, newRequest, rememberTips } from './state.ts';
import type { MergeRequest, Project } from './state.ts';

/** `GET /projects/:id/merge_requests`: those that lead into the project, from wherever. */
export async function answerMergeRequests(call: ApiCall): Promise<ApiAnswer> {
  const project = readableProject(call);
  await closeWithoutBranch(project, call.now);
  const found = project.mergeRequests.filter((request) => isListed(call, request));
  const sign = call.query.get('sort') === 'asc' ? 1 : -1;
  found.sort((a, b) => sign * (a.iid - b.iid));
  const page = paginate(call, found);
  const tipOf = rememberTips();
  const body = await Promise.all(page.entries.map((one) => presentMergeRequest(call.web, one, tipOf)));
  return { status: 200, body, headers: page.headers };
}

/** `GET /projects/:id/merge_requests/:iid`. */
export async function answerMergeRequest(call: ApiCall): Promise<ApiAnswer> {
  const project = readableProject(call);
  await closeWithoutBranch(project, call.now);
  const request = requestOf(call, project);
  await syncVersions(call.state, request, call.now);
  return { status: 200, body: await presentSingleMergeRequest(call.web, request, call.token?.user) };
}

/** `POST /projects/:id/merge_requests`, in which the path names the project that the branch lies in. */
export async function createMergeRequest(call: ApiCall): Promise<ApiAnswer> {
  const user = userOf(call);
  const source = projectOf(call, false);
  const target = targetOf(call, source);
  allowCreating(user, source, target);
  await closeWithoutBranch(target, call.now);
  const hadBranch = await lookForBranches(call, source, target);
  const { rest, actions } = partQuickActions(textField(call.body, 'description'));
  const request: MergeRequest = {
    ...newRequest(call.state, { source, target, author: user, createdAt: new Date(call.now).toISOString() }),
    sourceBranch: textField(call.body, 'source_branch'),
    targetBranch: textField(call.body, 'target_branch'),
    title: textField(call.body, 'title'),
    description: call.body['description'] === undefined ? null : rest,
    labels: takeLabels(target, call.body['labels']),
    removesSourceBranch: call.body['remove_source_branch'] === true,
    squash: call.body['squash'] === true,
    hadBranch,
    isPrepared: false,
    quickActions: [...actions],
  };
  // Nothing comes between the last look and the change.
  validateRequest(request);
  target.mergeRequests.push(request);
  const body = await presentSingleMergeRequest(call.web, request, user);
  request.isPrepared = true;
  return { status: 201, body };
}

/** Whether the source branch is there; 400 for one of both that is not, where this GitLab minds. */
async function lookForBranches(call: ApiCall, source: Project, target: Project): Promise<boolean> {
  const places = { source_branch: source, target_branch: target };
  for (const [field, { repository }] of Object.entries(places)) {
    const tip = await repository.tip(textField(call.body, field));
    if (tip !== undefined) continue;
    if (call.refusesMissingBranches) throw refusal(400, { [field]: ['does not exist'] });
    if (field === 'source_branch') return false;
  }
  return true;
}

/** `PUT /projects/:id/merge_requests/:iid`. Events that a state does not take are passed over, with a 200. */
export async function updateMergeRequest(call: ApiCall): Promise<ApiAnswer> {
  const user = userOf(call);
  const project = projectOf(call, false);
  await closeWithoutBranch(project, call.now);
  const request = requestOf(call, project);
  const isAuthor = request.author === user;
  if (project.isArchived || (!isAuthor && levelIn(project, user) < accessLevels.developer)) throw forbidden();
  const { body } = call;
  const { rest, actions } = partQuickActions(textField(body, 'description'));
  if (Object.keys(body).length === 0)
    throw new ApiRefusal(400, {
      error: 'title, description are missing, at least one parameter must be provided',
    });
  const changed: MergeRequest = {
    ...request,
    title: body['title'] === undefined ? request.title : textField(body, 'title'),
    description: body['description'] === undefined ? request.description : rest,
    targetBranch:
      body['target_branch'] === undefined ? request.targetBranch : textField(body, 'target_branch'),
    state: nextState(request.state, body['state_event']),
    updatedAt: new Date(call.now).toISOString(),
  };
  validateRequest(changed);
  if (typeof body['discussion_locked'] === 'boolean') changed.isDiscussionLocked = body['discussion_locked'];
  changed.closedAt = changed.state === 'closed' ? (request.closedAt ?? changed.updatedAt) : null;
  changed.labels = changedLabels(project, request, body);
  changed.quickActions.push(...actions);
  Object.assign(request, changed);
  await syncVersions(call.state, request, call.now);
  return { status: 200, body: await presentSingleMergeRequest(call.web, request, user) };
}
