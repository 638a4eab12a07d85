import { fullName } from './github-state.ts';
import type { GithubIssue, GithubRepository } from './github-state.ts';
import { associationOf } from './render-pull.ts';
import { nodeId, renderAccount, renderTime, repositoryUrl } from './render-repository.ts';
import type { Rendered, View } from './render-repository.ts';

/** An issue that is no pull request, asked for by itself. */
export function renderIssueAlone(view: View, repository: GithubRepository, issue: GithubIssue): Rendered {
  const api = repositoryUrl(view, repository);
  const own = `${api}/issues/${issue.number}`;
  return {
    id: issue.id,
    node_id: nodeId('I', issue.id),
    url: own,
    repository_url: api,
    labels_url: `${own}/labels{/name}`,
    comments_url: `${own}/comments`,
    events_url: `${own}/events`,
    html_url: `${view.state.origin()}/${fullName(repository)}/issues/${issue.number}`,
    number: issue.number,
    state: 'open',
    state_reason: null,
    title: issue.title,
    body: issue.body,
    user: renderAccount(view, issue.author),
    labels: [],
    assignee: null,
    assignees: [],
    milestone: null,
    locked: false,
    active_lock_reason: null,
    comments: 0,
    closed_at: null,
    closed_by: null,
    created_at: renderTime(issue.createdAt),
    updated_at: renderTime(issue.createdAt),
    author_association: associationOf(repository, issue.author),
  };
}
