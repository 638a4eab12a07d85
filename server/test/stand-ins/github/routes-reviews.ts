import { tokenRole } from './github-access.ts';
import { replyPage, repositoryOf, textOf, tokenOf } from './github-call.ts';
import type { GithubCall, GithubHandler } from './github-call.ts';
import { GithubRefusal, notFound } from './github-refusal.ts';
import { isRoleAtLeast } from './github-state.ts';
import type { GithubAccount, GithubLineComment, GithubPull, GithubReview } from './github-state.ts';
import { renderReview, renderReviewComment } from './render-review.ts';
import { pullOf } from './routes-pulls.ts';

const states = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const;

/** In characters; what is longer is refused. */
const longestBody = 65_536;

type WantedComment = {
  readonly path: string;
  readonly line?: number;
  readonly side?: string;
  readonly body: string;
};

/** `GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews`, the oldest first. */
export const listReviews: GithubHandler = (call) => {
  const pull = pullOf(call);
  const render = (review: GithubReview): unknown => renderReview(call, repositoryOf(call), { pull, review });
  return replyPage(call, seenBy(call, pull), render);
};

/** `GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/comments` */
export const listReviewComments: GithubHandler = (call) => {
  const pull = pullOf(call);
  const review = seenBy(call, pull).find(({ id }) => id === Number(call.path['review_id']));
  if (review === undefined) throw notFound();
  return replyPage(call, review.comments, (comment) =>
    renderReviewComment(call, repositoryOf(call), { pull, review, comment }),
  );
};

/** A review that is not submitted is its author's alone. */
function seenBy({ token }: GithubCall, { reviews }: GithubPull): readonly GithubReview[] {
  return reviews.filter(({ state, author }) => state !== 'PENDING' || author.id === token?.account.id);
}

/** `POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews`: a verdict, with comments on lines of the diff. */
export const createReview: GithubHandler = async (call) => {
  const pull = pullOf(call, { resources: ['pull_requests'], level: 'write' });
  const author = tokenOf(call).account;
  checkForm(call, pull, author);
  const commit = textOf(call, 'commit_id') ?? pull.headSha;
  await checkCommit(call, pull, commit);
  const event = call.body['event'] as keyof typeof states | undefined;
  const review: GithubReview = {
    id: call.state.nextId(),
    author,
    body: textOf(call, 'body') ?? '',
    at: call.state.now(),
    state: event === undefined ? 'PENDING' : states[event],
    commit,
    comments: await placeComments(call, pull, commit),
  };
  pull.reviews.push(review);
  return { status: 200, body: renderReview(call, repositoryOf(call), { pull, review }) };
};

function checkForm(call: GithubCall, pull: GithubPull, author: GithubAccount): void {
  const { event, comments } = call.body;
  const body = textOf(call, 'body') ?? '';
  // The words of these three, and those about commits and lengths, are from memory.
  if (pull.isLocked && !isRoleAtLeast(tokenRole(call.token, repositoryOf(call)), 'write'))
    throw refuse('lock prevents review');
  if (pull.reviews.some((one) => one.state === 'PENDING' && one.author.id === author.id))
    throw refuse('User can only have one pending review per pull request');
  if (body.length > longestBody) throw refuse('Body is too long (maximum is 65536 characters)');
  if (author.id === pull.author.id && event === 'APPROVE')
    throw refuse('Can not approve your own pull request');
  if (author.id === pull.author.id && event === 'REQUEST_CHANGES')
    throw refuse('Can not request changes on your own pull request');
  const isEmpty = body === '' && ((comments ?? []) as readonly unknown[]).length === 0;
  if (event !== undefined && event !== 'APPROVE' && isEmpty) throw refuse('Body can not be blank');
}

/** The commit has to be one of those that the pull request has by now. */
async function checkCommit(call: GithubCall, pull: GithubPull, commit: string): Promise<void> {
  const { bare } = repositoryOf(call);
  const isThere =
    (await bare.areRelated(commit, pull.headSha)) && (await bare.countAhead(pull.headSha, commit)) === 0;
  if (!isThere || (await bare.countAhead(pull.baseSha, commit)) === 0)
    throw refuse('commit_id is not part of the pull request');
}

/** All comments have to lie on lines of the diff's hunks, or none is taken. */
async function placeComments(
  call: GithubCall,
  pull: GithubPull,
  commit: string,
): Promise<readonly GithubLineComment[]> {
  const { files } = await repositoryOf(call).bare.compare(pull.baseSha, commit);
  return ((call.body['comments'] ?? []) as readonly WantedComment[]).map(({ path, line = 0, side, body }) => {
    const file = files.find((one) => one.path === path);
    if (file === undefined) throw refuse('Path could not be resolved');
    const hunk = file.patch ?? '';
    const end = side === 'LEFT' ? 'LEFT' : 'RIGHT';
    const position = shownLines(hunk, end).get(line);
    if (position === undefined) throw refuse('Line could not be resolved');
    if (body.length > longestBody) throw refuse('Comment body is too long (maximum is 65536 characters)');
    return { id: call.state.nextId(), path, line, side: end, body, hunk, position };
  });
}

/** The 422 of reviews: its errors are sentences, and no objects as elsewhere. */
function refuse(message: string): GithubRefusal {
  return new GithubRefusal(422, 'Unprocessable Entity', { errors: [message] });
}

/** The lines that a patch shows on one side, with their rows below its first `@@`. */
function shownLines(patch: string, side: 'LEFT' | 'RIGHT'): ReadonlyMap<number, number> {
  const shown = new Map<number, number>();
  let at = 0;
  for (const [row, text] of patch.split('\n').entries()) {
    const hunk = /^@@ -(?<left>\d+)(?:,\d+)? \+(?<right>\d+)/u.exec(text)?.groups;
    if (hunk !== undefined) at = Number(side === 'LEFT' ? hunk['left'] : hunk['right']);
    // A backslash begins what is said of the line above: that no line end follows it.
    else if (!text.startsWith(side === 'LEFT' ? '+' : '-') && !text.startsWith('\\')) {
      shown.set(at, row);
      at += 1;
    }
  }
  return shown;
}
