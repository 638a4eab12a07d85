import { isRoleAtLeast, roleOf } from './github-state.ts';
import type {
  GithubAccount,
  GithubComment,
  GithubLabel,
  GithubPull,
  GithubRepository,
} from './github-state.ts';
import type { FileChange } from '../bare-repository.ts';
import { fullName } from './github-state.ts';
import { nodeId, renderAccount, renderRepository, renderTime, repositoryUrl } from './render-repository.ts';
import type { Rendered, View } from './render-repository.ts';

/** The address of a pull request for people. */
export function pullPage(view: View, repository: GithubRepository, pull: GithubPull): string {
  return `${view.state.origin()}/${fullName(repository)}/pull/${pull.number}`;
}

/** A pull request as lists have it. */
export function renderPull(view: View, repository: GithubRepository, pull: GithubPull): Rendered {
  const api = repositoryUrl(view, repository);
  const page = pullPage(view, repository, pull);
  return {
    ...renderAddresses(api, page, pull),
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    number: pull.number,
    state: pull.state,
    locked: pull.isLocked,
    title: pull.title,
    user: renderAccount(view, pull.author),
    body: pull.body,
    created_at: renderTime(pull.createdAt),
    updated_at: renderTime(pull.updatedAt),
    closed_at: pull.closedAt === undefined ? null : renderTime(pull.closedAt),
    merged_at: pull.merged === undefined ? null : renderTime(pull.merged.at),
    merge_commit_sha: pull.merged?.commit ?? null,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: renderLabels(view, repository, pull).map(describedLabel),
    milestone: null,
    draft: pull.draft,
    head: renderHead(view, pull),
    base: renderEnd(view, { owner: repository.owner, repository, ref: pull.base, sha: pull.baseSha }),
    author_association: associationOf(repository, pull.author),
    auto_merge: null,
    active_lock_reason: null,
  };
}

function renderAddresses(api: string, page: string, pull: GithubPull): Rendered {
  const own = `${api}/pulls/${pull.number}`;
  const issue = `${api}/issues/${pull.number}`;
  const addresses = {
    html: page,
    issue,
    comments: `${issue}/comments`,
    review_comments: `${own}/comments`,
    review_comment: `${api}/pulls/comments{/number}`,
    commits: `${own}/commits`,
    statuses: `${api}/statuses/${pull.headSha}`,
  };
  const named = Object.entries(addresses).map(([name, address]) => [`${name}_url`, address]);
  const hrefs = Object.entries({ self: own, ...addresses }).map(([name, href]) => [name, { href }]);
  return {
    url: own,
    ...Object.fromEntries(named),
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    _links: Object.fromEntries(hrefs),
  };
}

function renderHead(view: View, pull: GithubPull): Rendered {
  const repository = view.state.repositories.get(pull.headRepositoryId);
  return renderEnd(view, { owner: pull.headOwner, repository, ref: pull.headBranch, sha: pull.headSha });
}

function renderEnd(
  view: View,
  end: {
    readonly owner: GithubAccount;
    readonly repository: GithubRepository | undefined;
    readonly ref: string;
    readonly sha: string;
  },
): Rendered {
  return {
    label: `${end.owner.login}:${end.ref}`,
    ref: end.ref,
    sha: end.sha,
    user: renderAccount(view, end.owner),
    repo: end.repository === undefined ? null : renderRepository(view, end.repository),
  };
}

export function associationOf(repository: GithubRepository, author: GithubAccount): string {
  if (repository.owner.id === author.id) return 'OWNER';
  return isRoleAtLeast(roleOf(repository, author), 'triage') ? 'COLLABORATOR' : 'NONE';
}

/** A pull request asked for by itself. `files`: what it changes; `mergeable`: null while GitHub looks. */
export function renderFullPull(
  view: View,
  repository: GithubRepository,
  pull: GithubPull,
  found: {
    readonly commits: number;
    readonly files: readonly FileChange[];
    readonly mergeable: boolean | null;
  },
): Rendered {
  const sum = (field: 'additions' | 'deletions'): number =>
    found.files.reduce((total, file) => total + file[field], 0);
  return {
    ...renderPull(view, repository, pull),
    merged: pull.merged !== undefined,
    mergeable: found.mergeable,
    rebaseable: found.mergeable,
    mergeable_state: found.mergeable === null ? 'unknown' : found.mergeable ? 'clean' : 'dirty',
    merged_by: pull.merged === undefined ? null : renderAccount(view, pull.merged.by),
    comments: pull.comments.length,
    review_comments: pull.reviews.reduce((total, review) => total + review.comments.length, 0),
    maintainer_can_modify: pull.maintainerCanModify,
    commits: found.commits,
    additions: sum('additions'),
    deletions: sum('deletions'),
    changed_files: found.files.length,
  };
}

/** The same pull request, as the issue that it is too. */
export function renderIssue(view: View, repository: GithubRepository, pull: GithubPull): Rendered {
  const api = repositoryUrl(view, repository);
  const issue = `${api}/issues/${pull.number}`;
  const page = pullPage(view, repository, pull);
  return {
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    url: issue,
    repository_url: api,
    labels_url: `${issue}/labels{/name}`,
    comments_url: `${issue}/comments`,
    events_url: `${issue}/events`,
    html_url: page,
    number: pull.number,
    state: pull.state,
    title: pull.title,
    body: pull.body,
    user: renderAccount(view, pull.author),
    labels: renderLabels(view, repository, pull).map(describedLabel),
    assignee: null,
    assignees: [],
    milestone: null,
    locked: pull.isLocked,
    comments: pull.comments.length,
    closed_at: pull.closedAt === undefined ? null : renderTime(pull.closedAt),
    created_at: renderTime(pull.createdAt),
    updated_at: renderTime(pull.updatedAt),
    draft: pull.draft,
    pull_request: {
      url: `${api}/pulls/${pull.number}`,
      html_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      merged_at: pull.merged === undefined ? null : renderTime(pull.merged.at),
    },
    author_association: associationOf(repository, pull.author),
  };
}

export function renderLabel(view: View, repository: GithubRepository, label: GithubLabel): Rendered {
  return {
    id: label.id,
    node_id: nodeId('LA', label.id),
    url: `${repositoryUrl(view, repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  };
}

/** In a pull request the description has no null for a label that nobody has described. */
function describedLabel(label: Rendered): Rendered {
  return { ...label, description: label['description'] ?? '' };
}

/** The labels of a pull request, in the order in which they were put on. */
export function renderLabels(
  view: View,
  repository: GithubRepository,
  pull: GithubPull,
): readonly Rendered[] {
  const labels = [...pull.labels].map((name) => repository.labels.get(name));
  return labels.filter((label) => label !== undefined).map((label) => renderLabel(view, repository, label));
}

export function renderComment(
  view: View,
  repository: GithubRepository,
  on: { readonly pull: GithubPull; readonly comment: GithubComment },
): Rendered {
  const { pull, comment } = on;
  const api = repositoryUrl(view, repository);
  return {
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    url: `${api}/issues/comments/${comment.id}`,
    html_url: `${pullPage(view, repository, pull)}#issuecomment-${comment.id}`,
    issue_url: `${api}/issues/${pull.number}`,
    user: renderAccount(view, comment.author),
    body: comment.body,
    created_at: renderTime(comment.at),
    updated_at: renderTime(comment.at),
    author_association: associationOf(repository, comment.author),
  };
}
