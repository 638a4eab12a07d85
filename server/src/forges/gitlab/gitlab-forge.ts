import type { Forge } from '../forge.ts';
import { createGitlabHttp, type GitlabHttpOptions } from './gitlab-http.ts';
import { addLabels } from './gitlab-labels.ts';
import { readDiff } from './gitlab-diffs.ts';
import { findMergeRequest } from './gitlab-one-request.ts';
import { ensureMergeRequest } from './gitlab-merge-requests.ts';
import { findProject, listProjects, verifyToken, type Gitlab } from './gitlab-projects.ts';
import { postReview } from './gitlab-reviews.ts';

/** GitLab.com, or a self-managed GitLab by the address of its API. */
export function createGitlabForge(options: GitlabHttpOptions): Forge {
  const { host, pathname } = new URL(options.apiUrl);
  // An instance below a path of its host has its projects there too.
  const root = pathname.replace(/\/?api\/v4\/?$/u, '').slice(1);
  const gitlab: Gitlab = { http: createGitlabHttp(options), root };
  return {
    name: 'gitlab',
    host,
    abilities: { pullRequests: true, accounts: true },
    gitUsername: 'oauth2',
    verifyToken: (token, signal) => verifyToken(gitlab, token, signal),
    listRepositories: (token, page, signal) => listProjects(gitlab, token, page, signal),
    findRepository: async (access, signal) => (await findProject(gitlab, access, signal)).repository,
    ensurePullRequest: (wish, signal) => ensureMergeRequest(gitlab, wish, signal),
    addLabels: (pullRequest, labels, signal) => addLabels(gitlab, pullRequest, labels, signal),
    pullRequestRef: (number) => `refs/merge-requests/${number}/head`,
    findPullRequest: (pullRequest, signal) => findMergeRequest(gitlab, pullRequest, signal),
    readDiff: (pullRequest, signal) => readDiff(gitlab, pullRequest, signal),
    postReview: (review, signal) => postReview(gitlab, review, signal),
  };
}
