import { createHash } from 'node:crypto';
import { objectField, textField } from '../../../src/lib/json-fields.ts';
import { forbidden, paginate, userOf } from './api-answer.ts';
import type { ApiAnswer, ApiCall } from './api-answer.ts';
import { syncVersions } from './diff-versions.ts';
import type { DiscussionEntity, NoteEntity } from './entities.ts';
import { allowReading, partQuickActions, readableProject, requestOf } from './merge-request-rules.ts';
import { badNote, placeNote } from './place-note.ts';
import { presentUser } from './present-project.ts';
import { projectOf } from './project-operations.ts';
import { levelIn, takeId } from './state.ts';
import type { MergeRequest, Note } from './state.ts';

/** "Notes API": a note has no more characters. */
const mostCharacters = 1_000_000;

/** `GET /projects/:id/merge_requests/:iid/notes`, the newest first; those of threads too. */
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
  const request = writableRequest(call);
  const note = addNote(call, request, { isIndividual: true, position: undefined });
  if (note === undefined) return onlyCommands;
  return { status: 201, body: presentNote(call, request, note) };
}

/** `GET /projects/:id/merge_requests/:iid/discussions`, the oldest first; a single note is one of its own. */
export function answerDiscussions(call: ApiCall): ApiAnswer {
  const request = requestOf(call, readableProject(call));
  const threads = Map.groupBy(request.notes, ({ discussionId }) => discussionId);
  const page = paginate(call, [...threads.values()]);
  const body = page.entries.map((notes) => presentDiscussion(call, request, notes));
  return { status: 200, body, headers: page.headers };
}

/** `POST /projects/:id/merge_requests/:iid/discussions`: a thread, on a line where a position is given. */
export async function createDiscussion(call: ApiCall): Promise<ApiAnswer> {
  const request = writableRequest(call);
  await syncVersions(call.state, request, call.now);
  const given = objectField(call.body, 'position');
  const position = given === undefined ? undefined : await placeNote(request, given);
  const note = addNote(call, request, { isIndividual: false, position });
  if (note === undefined) return onlyCommands;
  return { status: 201, body: presentDiscussion(call, request, [note]) };
}

/** The answer to a note that was nothing but quick actions: none is made. */
const onlyCommands: ApiAnswer = { status: 202, body: { commands_changes: {}, summary: [] } };

/** The merge request, for who may write below it: nobody in an archived project, members where it is locked. */
function writableRequest(call: ApiCall): MergeRequest {
  const author = userOf(call);
  const project = projectOf(call, false);
  allowReading(call, project);
  const request = requestOf(call, project);
  const isShut = request.isDiscussionLocked && levelIn(project, author) === 0;
  if (project.isArchived || isShut) throw forbidden();
  return request;
}

/** Does the quick actions of a note, and keeps what else is in it; undefined: nothing else is. */
function addNote(
  call: ApiCall,
  request: MergeRequest,
  kind: Pick<Note, 'isIndividual' | 'position'>,
): Note | undefined {
  const body = textField(call.body, 'body');
  if (body.trim() === '') throw badNote({ note: ["can't be blank"] });
  if (Array.from(body).length > mostCharacters)
    throw badNote({ note: [`is too long (maximum is ${mostCharacters} characters)`] });
  const { rest, actions } = partQuickActions(body);
  request.quickActions.push(...actions);
  if (rest.trim() === '') return undefined;
  const id = takeId(call.state);
  const note: Note = {
    id,
    body: rest,
    author: userOf(call),
    createdAt: new Date(call.now).toISOString(),
    discussionId: createHash('sha1').update(`discussion ${id}`).digest('hex'),
    ...kind,
  };
  request.notes.push(note);
  return note;
}

/** A thread by its notes, of which there is one at least. */
function presentDiscussion(call: ApiCall, request: MergeRequest, notes: readonly Note[]): DiscussionEntity {
  return {
    id: notes[0]?.discussionId ?? '',
    individual_note: notes[0]?.isIndividual === true,
    notes: notes.map((note) => presentNote(call, request, note)),
  };
}

function presentNote(call: ApiCall, request: MergeRequest, note: Note): NoteEntity {
  const { position, isIndividual } = note;
  return {
    id: note.id,
    type: position === undefined ? (isIndividual ? null : 'DiscussionNote') : 'DiffNote',
    body: note.body,
    attachment: null,
    author: presentUser(call.web, note.author),
    created_at: note.createdAt,
    updated_at: note.createdAt,
    system: false,
    noteable_id: request.id,
    noteable_type: 'MergeRequest',
    noteable_iid: request.iid,
    resolvable: !isIndividual,
    ...(isIndividual ? {} : { resolved: false, resolved_by: null, resolved_at: null }),
    ...(position === undefined ? {} : { position }),
  };
}
