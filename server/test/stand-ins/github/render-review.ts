import { associationOf, pullPage } from './render-pull.ts';
import { nodeId, renderAccount, renderTime, repositoryUrl } from './render-repository.ts';
import type { Rendered, View } from './render-repository.ts';
import type { GithubLineComment, GithubPull, GithubRepository, GithubReview } from './github-state.ts';

export function renderReview(
  view: View,
  repository: GithubRepository,
  on: { readonly pull: GithubPull; readonly review: GithubReview },
): Rendered {
  const { pull, review } = on;
  const page = `${pullPage(view, repository, pull)}#pullrequestreview-${review.id}`;
  const own = `${repositoryUrl(view, repository)}/pulls/${pull.number}`;
  return {
    id: review.id,
    node_id: nodeId('PRR', review.id),
    user: renderAccount(view, review.author),
    body: review.body,
    state: review.state,
    html_url: page,
    pull_request_url: own,
    _links: { html: { href: page }, pull_request: { href: own } },
    ...(review.state === 'PENDING' ? {} : { submitted_at: renderTime(review.at) }),
    commit_id: review.commit,
    author_association: associationOf(repository, review.author),
  };
}

export function renderReviewComment(
  view: View,
  repository: GithubRepository,
  on: { readonly pull: GithubPull; readonly review: GithubReview; readonly comment: GithubLineComment },
): Rendered {
  const { pull, review, comment } = on;
  const api = repositoryUrl(view, repository);
  const page = `${pullPage(view, repository, pull)}#discussion_r${comment.id}`;
  const own = `${api}/pulls/comments/${comment.id}`;
  const ofPull = `${api}/pulls/${pull.number}`;
  return {
    id: comment.id,
    node_id: nodeId('PRRC', comment.id),
    url: own,
    html_url: page,
    pull_request_url: ofPull,
    _links: { self: { href: own }, html: { href: page }, pull_request: { href: ofPull } },
    pull_request_review_id: review.id,
    diff_hunk: comment.hunk,
    path: comment.path,
    position: comment.position,
    original_position: comment.position,
    line: comment.line,
    original_line: comment.line,
    side: comment.side,
    commit_id: review.commit,
    original_commit_id: review.commit,
    user: renderAccount(view, review.author),
    body: comment.body,
    created_at: renderTime(review.at),
    updated_at: renderTime(review.at),
    author_association: associationOf(repository, review.author),
  };
}
