import { textField } from '../../lib/json-fields.ts';
import { actOrFind } from '../find-lost.ts';
import { needNumber, needText } from '../forge-answer.ts';
import type { ForgeAnswer, ForgeCall, ForgeRefusal } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';
import type { LineComment, PostedReview, ReviewRequest } from '../forge.ts';
import { markedPart, markText, reviewMarker } from '../review-marker.ts';
import { locatePull, type LocatedPull } from './github-diff.ts';
import { wordsOf } from './github-http.ts';
import { askPages } from './github-pages.ts';

const events = { approve: 'APPROVE', request_changes: 'REQUEST_CHANGES', comment: 'COMMENT' } as const;

/** One form of a review that GitHub may take. */
type Form = {
  readonly event: (typeof events)[keyof typeof events];
  readonly comments: readonly LineComment[];
  /** Undefined: the head, whatever it is. */
  readonly commit: string | undefined;
};

type Asked = { readonly pull: LocatedPull; readonly review: ReviewRequest };

/** In UTF-16 units; what is longer is refused with 422. */
const longestBody = 65_536;
/** 10,000 reviews. */
const mostReviewPages = 100;

/** See `Forge.postReview`. To GitHub a review is one request, with all its comments. */
export async function postReview(
  http: ForgeHttp,
  review: ReviewRequest,
  signal: AbortSignal,
): Promise<PostedReview> {
  const pull = await locatePull(http, review, signal);
  const asked: Asked = { pull, review };
  const there = await findPosted(asked);
  if (there !== undefined) return there;
  const { comments, diff, verdict } = review;
  const full: Form = { event: events[verdict], comments, commit: diff.headCommit };
  return actOrFind(
    () => post(asked, full),
    () => findPosted(asked),
  );
}

/** The review that begins with the marker; one that its author has not submitted yet is seen by nobody else. */
async function findPosted({ pull, review: { marker } }: Asked): Promise<PostedReview | undefined> {
  const call: ForgeCall = {
    ...pull.calling('find_review', 'look for reviews of'),
    path: `${pull.path}/reviews`,
  };
  const marked = await askPages(pull.http, call, {
    mostPages: mostReviewPages,
    readRow: (row) =>
      markedPart(marker, textField(row, 'body')) === '' && textField(row, 'state') !== 'PENDING'
        ? { id: needNumber(row, 'id'), url: needText(row, 'html_url') }
        : undefined,
  });
  const first = marked.find((review) => review !== undefined);
  if (first === undefined) return undefined;
  const ofReview: ForgeCall = { ...call, path: `${call.path}/${first.id}/comments` };
  const comments = await askPages(pull.http, ofReview, { mostPages: 1, readRow: () => undefined });
  return { url: first.url, comments: comments.length, how: 'found' };
}

/** Posts the review in this form, or in the next plainer one that GitHub takes: four requests at most. */
async function post(asked: Asked, form: Form): Promise<PostedReview> {
  const { pull, review } = asked;
  const refused = form.comments.length === 0 ? review.comments : [];
  const call: ForgeCall = {
    ...pull.calling('post_review', 'review'),
    method: 'POST',
    path: `${pull.path}/reviews`,
    body: {
      event: form.event,
      body: markText(reviewMarker(review.marker), review.summary(refused), longestBody),
      comments: form.comments.map(({ path, line, body }) => ({ path, line, side: 'RIGHT', body })),
      ...(form.commit === undefined ? {} : { commit_id: form.commit }),
    },
  };
  const answer = await pull.http.send(call);
  if (answer.status === 200) {
    const url = pull.http.read(call, answer, (body) => needText(body, 'html_url'));
    return { url, comments: form.comments.length, how: 'posted' };
  }
  const known = explainRefusal(answer);
  const next = answer.status === 422 && known === undefined ? plainer(form, wordsOf(answer.body)) : undefined;
  if (next === undefined) throw pull.http.refusal(call, answer, known);
  return post(asked, next);
}

/** What to try behind a 422 with these words; undefined: this was the plainest form. */
function plainer(form: Form, words: string): Form | undefined {
  // Nobody approves what is theirs, and GitHub Actions approve nothing.
  const isAboutVerdict = /\bapprov|\brequest changes\b/iu;
  if (form.event !== 'COMMENT' && isAboutVerdict.test(words)) return { ...form, event: 'COMMENT' };
  const isAboutComments = /(?<![a-z])(?:line|side|position|path|diff|hunk|thread|comments?)(?![a-z])/iu;
  if (form.comments.length > 0 && isAboutComments.test(words)) return { ...form, comments: [] };
  // Its commit may have been pushed away; a verdict is only given on the commit that was reviewed.
  return form.commit === undefined ? undefined : { event: 'COMMENT', comments: [], commit: undefined };
}

/** What no other form helps against, by GitHub's words: its description names none of them. */
function explainRefusal({ status, body }: ForgeAnswer): ForgeRefusal | undefined {
  if (status !== 403 && status !== 422) return undefined;
  const words = wordsOf(body);
  if (/\block(?:s|ed)?\b/iu.test(words)) {
    const why =
      "its conversation is locked for the token's owner. Unlock it, or give the owner write access to the repository.";
    return { code: 'forbidden', why };
  }
  if (/\bpending review\b/iu.test(words)) {
    const why =
      "the token's owner has begun a review of it, and GitHub takes no second one until that is submitted or discarded.";
    return { code: 'refused', why };
  }
  if (/\b(?:submitted too quickly|spam(?:med)?)\b/iu.test(words)) {
    return { code: 'rate_limited', why: 'it was posted too much at once. Try again in some minutes.' };
  }
  return undefined;
}
