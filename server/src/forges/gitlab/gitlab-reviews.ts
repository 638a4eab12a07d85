import { createHash } from 'node:crypto';
import { listField, textField, type JsonObject } from '../../lib/json-fields.ts';
import { actOrFind } from '../find-lost.ts';
import { needList, needNumber } from '../forge-answer.ts';
import type { ForgeAnswer, ForgeCall, ForgeRefusal } from '../forge-call.ts';
import type { LineComment, PostedReview, PullRequestDiff, ReviewRequest } from '../forge.ts';
import { markedPart, markText, reviewMarker } from '../review-marker.ts';
import { archivedRefusal } from './gitlab-http.ts';
import { reachRequest, readRequest, type OneRequest, type ReadRequest } from './gitlab-one-request.ts';
import type { Gitlab } from './gitlab-projects.ts';
import { withoutQuickActions } from './gitlab-text.ts';

/** The most that GitLab gives on one page. */
const perPage = 100;
/** Twice the 5,000 comments that GitLab takes, beside what it notes itself. */
const mostPages = 100;
/** GitLab takes no longer note. */
const noteCharacters = 1_000_000;

/** What every step of posting needs. */
type Posting = { readonly one: OneRequest; readonly request: ReadRequest; readonly review: ReviewRequest };

/** What of a review is there: its comments by their parts, and its summary by the number of its note. */
type Posted = { readonly parts: ReadonlySet<string>; readonly summary: number | undefined };

/**
 * See `Forge.postReview`. GitLab has no review that is posted as a whole: each comment is a thread, and the
 * summary, which says that all is done, comes last. The verdict stands in it, since GitLab knows none.
 */
export async function postReview(
  gitlab: Gitlab,
  review: ReviewRequest,
  signal: AbortSignal,
): Promise<PostedReview> {
  const one = await reachRequest(gitlab, review, signal);
  const posting: Posting = { one, request: await readRequest(one), review };
  const urlOf = (note: number): string => `${posting.request.url}#note_${note}`;
  const present = await findPosted(posting);
  if (present.summary !== undefined)
    return { url: urlOf(present.summary), comments: present.parts.size, how: 'found' };
  if (one.project.repository.isArchived) throw one.refused('post the review of', archivedRefusal);
  const parts = new Set(present.parts);
  const refused: LineComment[] = [];
  for (const comment of review.comments) {
    const part = partOf(comment);
    if (parts.has(part) || (await placeComment(posting, comment, part))) parts.add(part);
    else refused.push(comment);
  }
  const summary = await addSummary(posting, refused);
  return { url: urlOf(summary), comments: parts.size, how: 'posted' };
}

/**
 * What names a comment among those of its review. Not its place in the list: a call that comes later may have
 * another list, of a diff that has moved on.
 */
function partOf({ path, line, body }: LineComment): string {
  return createHash('sha256')
    .update(JSON.stringify([path, line, body]))
    .digest('hex')
    .slice(0, 16);
}

async function findPosted({ one, review }: Posting): Promise<Posted> {
  const parts = new Set<string>();
  let summary: number | undefined;
  for (let page = 1; page <= mostPages; page += 1) {
    const { notes, isLast } = await listNotes(one, page);
    for (const { id, body } of notes) {
      const part = markedPart(review.marker, body);
      if (part === '') summary ??= id;
      else if (part !== undefined) parts.add(part);
    }
    if (isLast) return { parts, summary };
  }
  const why = `it has more than ${mostPages * perPage} threads, too many to look for a review.`;
  throw one.refused('find the review of', { code: 'refused', why });
}

type Note = { readonly id: number; readonly body: string };

/** A page of the threads, the oldest first, with all that was said in them. */
function listNotes(
  { http, call }: OneRequest,
  page: number,
): Promise<{ readonly notes: readonly Note[]; readonly isLast: boolean }> {
  const asked: ForgeCall = {
    ...call('find_review', 'find the review of', '/discussions'),
    query: { page, per_page: perPage },
  };
  return http.ask(asked, (body) => {
    const threads = needList(body);
    const notes = threads.flatMap((thread) => listField(thread, 'notes')).map(readNote);
    return { notes, isLast: threads.length < perPage };
  });
}

function readNote(note: unknown): Note {
  return { id: needNumber(note, 'id'), body: textField(note, 'body') };
}

/** Whether a comment stands on its line; what GitLab does not take there is for the summary. */
async function placeComment(posting: Posting, comment: LineComment, part: string): Promise<boolean> {
  const position = positionOf(posting.review.diff, comment);
  if (position === undefined) return false;
  const asked = writing(posting, { below: '/discussions', part, text: comment.body, position });
  return actOrFind(
    async () => {
      const answer = await posting.one.http.send(asked);
      if (answer.status === 400 || answer.status === 422) return false;
      if (answer.status !== 201) throw refusal(posting, asked, answer);
      return true;
    },
    async () => ((await findPosted(posting)).parts.has(part) ? true : undefined),
  );
}

/** The line as GitLab wants it: what was not changed has both of its numbers. Undefined: the diff does not show it. */
function positionOf(
  { between, files }: PullRequestDiff,
  { path, line }: LineComment,
): JsonObject | undefined {
  const file = files.get(path);
  if (between === undefined || file === undefined || !file.lines.has(line)) return undefined;
  const before = file.lines.get(line);
  return {
    position_type: 'text',
    base_sha: between.base,
    start_sha: between.start,
    head_sha: between.head,
    old_path: file.previousPath,
    new_path: path,
    new_line: line,
    ...(before === undefined ? {} : { old_line: before }),
  };
}

/** Posts the summary; the number of its note. */
async function addSummary(posting: Posting, refused: readonly LineComment[]): Promise<number> {
  const { one, review } = posting;
  const asked = writing(posting, { below: '/notes', text: review.summary(refused) });
  return actOrFind(
    async () => {
      const answer = await one.http.send(asked);
      if (answer.status !== 201) throw refusal(posting, asked, answer);
      return one.http.read(asked, answer, (body) => readNote(body).id);
    },
    async () => (await findPosted(posting)).summary,
  );
}

type Writing = {
  readonly below: string;
  readonly text: string;
  readonly part?: string;
  readonly position?: JsonObject;
};

function writing({ one, review }: Posting, { below, text, part, position }: Writing): ForgeCall {
  const mark = reviewMarker(review.marker, part);
  return {
    ...one.call('post_review', 'post the review of', below),
    method: 'POST',
    body: {
      body: markText(mark, withoutQuickActions(text), noteCharacters),
      ...(position === undefined ? {} : { position }),
    },
  };
}

function refusal({ one, request }: Posting, asked: ForgeCall, answer: ForgeAnswer): Error {
  const isRole = answer.status === 403 && textField(answer.body, 'error') !== 'insufficient_scope';
  return one.http.refusal(asked, answer, isRole ? mayNotWrite(request) : undefined);
}

/** Why somebody may not write below a merge request that he sees. */
function mayNotWrite({ isLocked }: ReadRequest): ForgeRefusal {
  const why = isLocked
    ? 'its discussion is locked, so only members of the project may write there. Unlock it, or use the token of a member.'
    : 'the owner of the token may not write there. He needs the role Reporter or more in the project.';
  return { code: 'forbidden', why };
}
