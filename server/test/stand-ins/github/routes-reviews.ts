import { replyPage, repositoryOf, textOf, tokenOf } from './github-call.ts';
import type { GithubCall, GithubHandler } from './github-call.ts';
import { GithubRefusal } from './github-refusal.ts';
import type { GithubPull, GithubReview } from './github-state.ts';
import { renderReview } from './render-pull.ts';
import { pullOf } from './routes-pulls.ts';

const states = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const;

type LineComment = {
  readonly path: string;
  readonly line?: number;
  readonly side?: string;
  readonly body: string;
};

/** `GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews` */
export const listReviews: GithubHandler = (call) => {
  const pull = pullOf(call);
  return replyPage(call, pull.reviews, (review) => renderReview(call, repositoryOf(call), { pull, review }));
};

/** `POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews`: a verdict, with comments on lines of the diff. */
export const createReview: GithubHandler = async (call) => {
  const pull = pullOf(call, { resources: ['pull_requests'], level: 'write' });
  const author = tokenOf(call).account;
  const event = call.body['event'] as keyof typeof states | undefined;
  const body = textOf(call, 'body') ?? '';
  const comments = (call.body['comments'] ?? []) as readonly LineComment[];
  if (author.id === pull.author.id && event === 'APPROVE')
    throw refuse('Can not approve your own pull request');
  if (author.id === pull.author.id && event === 'REQUEST_CHANGES')
    throw refuse('Can not request changes on your own pull request');
  if (event !== undefined && event !== 'APPROVE' && body === '' && comments.length === 0)
    throw refuse('Body can not be blank');
  await checkLines(call, pull, comments);
  const review: GithubReview = {
    id: call.state.nextId(),
    author,
    body,
    at: call.state.now(),
    state: event === undefined ? 'PENDING' : states[event],
    commit: textOf(call, 'commit_id') ?? pull.headSha,
    comments,
  };
  pull.reviews.push(review);
  return { status: 200, body: renderReview(call, repositoryOf(call), { pull, review }) };
};

/** All comments have to lie on lines of the diff's hunks, or none is taken. */
async function checkLines(
  call: GithubCall,
  pull: GithubPull,
  comments: readonly LineComment[],
): Promise<void> {
  const { bare } = repositoryOf(call);
  const { files } = await bare.compare(pull.baseSha, pull.headSha);
  for (const { path, line, side } of comments) {
    if (!files.some((file) => file.path === path)) throw refuse('Path could not be resolved');
    if (line === undefined) continue;
    const patch = await bare.patch(pull.baseSha, pull.headSha, path);
    if (!linesOf(patch ?? '', side === 'LEFT' ? 'LEFT' : 'RIGHT').has(line))
      throw refuse('Line could not be resolved');
  }
}

/** The 422 of reviews: its errors are sentences, and no objects as elsewhere. */
function refuse(message: string): GithubRefusal {
  return new GithubRefusal(422, 'Unprocessable Entity', { errors: [message] });
}

/** The numbers of the lines that a patch shows on one side. */
function linesOf(patch: string, side: 'LEFT' | 'RIGHT'): ReadonlySet<number> {
  const shown = new Set<number>();
  let at = 0;
  for (const line of patch.split('\n')) {
    const hunk = /^@@ -(?<left>\d+)(?:,\d+)? \+(?<right>\d+)/u.exec(line)?.groups;
    if (hunk !== undefined) at = Number(side === 'LEFT' ? hunk['left'] : hunk['right']);
    else if (line.startsWith(side === 'LEFT' ? '+' : '-')) continue;
    else {
      shown.add(at);
      at += 1;
    }
  }
  return shown;
}
