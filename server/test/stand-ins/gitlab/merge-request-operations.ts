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
import { presentMergeRequest, presentSingleMergeRequest, presentVersion } from './present-merge-request.ts';
import type { NoteEntity } from './entities.ts';
import { presentUser } from './present-project.ts';
import { projectOf } from './project-operations.ts';
import { accessLevels, levelIn, rememberTips, takeId } from './state.ts';
import type { MergeRequest, Note, Project } from './state.ts';

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
    id: takeId(call.state),
    iid: target.mergeRequests.length + 1,
    target,
    source,
    sourceBranch: textField(call.body, 'source_branch'),
    targetBranch: textField(call.body, 'target_branch'),
    title: textField(call.body, 'title'),
    description: call.body['description'] === undefined ? null : rest,
    labels: takeLabels(target, call.body['labels']),
    author: user,
    createdAt: new Date(call.now).toISOString(),
    updatedAt: new Date(call.now).toISOString(),
    state: 'opened',
    mergedAt: null,
    closedAt: null,
    mergeCommit: null,
    removesSourceBranch: call.body['remove_source_branch'] === true,
    squash: call.body['squash'] === true,
    hadBranch,
    isPrepared: false,
    notes: [],
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
  changed.closedAt = changed.state === 'closed' ? (request.closedAt ?? changed.updatedAt) : null;
  changed.labels = changedLabels(project, request, body);
  changed.quickActions.push(...actions);
  Object.assign(request, changed);
  return { status: 200, body: await presentSingleMergeRequest(call.web, request, user) };
}

/** `GET /projects/:id/merge_requests/:iid/versions`. */
export async function answerVersions(call: ApiCall): Promise<ApiAnswer> {
  const version = await presentVersion(requestOf(call, readableProject(call)));
  const page = paginate(call, version === undefined ? [] : [version]);
  return { status: 200, body: page.entries, headers: page.headers };
}

/** `GET /projects/:id/merge_requests/:iid/notes`, the newest first. */
export function answerNotes(call: ApiCall): ApiAnswer {
  const request = requestOf(call, readableProject(call));
  const notes = call.query.get('sort') === 'asc' ? request.notes : request.notes.toReversed();
  const page = paginate(call, notes);
  return {
    status: 200,
    body: page.entries.map((note) => presentNote(call, request, note)),
    headers: page.headers,
  };
}

/** `POST /projects/:id/merge_requests/:iid/notes`. */
export function createNote(call: ApiCall): ApiAnswer {
  const project = projectOf(call, false);
  const request = requestOf(call, project);
  if (project.isArchived) throw forbidden();
  const createdAt = new Date(call.now).toISOString();
  const note = {
    id: takeId(call.state),
    body: textField(call.body, 'body'),
    author: userOf(call),
    createdAt,
  };
  request.notes.push(note);
  return { status: 201, body: presentNote(call, request, note) };
}

function presentNote(call: ApiCall, request: MergeRequest, note: Note): NoteEntity {
  return {
    id: note.id,
    type: null,
    body: note.body,
    attachment: null,
    author: presentUser(call.web, note.author),
    created_at: note.createdAt,
    updated_at: note.createdAt,
    system: false,
    noteable_id: request.id,
    noteable_type: 'MergeRequest',
    noteable_iid: request.iid,
    resolvable: false,
  };
}
