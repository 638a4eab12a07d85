import type { Forge } from '../forge.ts';
import { findPullRequest, readDiff } from './github-diff.ts';
import { createGithubHttp, type GithubHttpOptions } from './github-http.ts';
import { addLabels } from './github-labels.ts';
import { ensurePullRequest } from './github-pull-requests.ts';
import { findRepository, listRepositories, verifyToken } from './github-repositories.ts';
import { postReview } from './github-reviews.ts';

/** GitHub.com, or a GitHub Enterprise by the address of its API. */
export function createGithubForge(options: GithubHttpOptions): Forge {
  const http = createGithubHttp(options);
  return {
    name: 'github',
    host: hostOfApi(options.apiUrl),
    abilities: { pullRequests: true, accounts: true },
    gitUsername: 'x-access-token',
    verifyToken: (token, signal) => verifyToken(http, token, signal),
    listRepositories: (token, page, signal) => listRepositories(http, token, page, signal),
    findRepository: (access, signal) => findRepository(http, access, signal),
    ensurePullRequest: (wish, signal) => ensurePullRequest(http, wish, signal),
    addLabels: (pullRequest, labels, signal) => addLabels(http, pullRequest, labels, signal),
    pullRequestRef: (number) => `refs/pull/${number}/head`,
    findPullRequest: (pullRequest, signal) => findPullRequest(http, pullRequest, signal),
    readDiff: (pullRequest, signal) => readDiff(http, pullRequest, signal),
    postReview: (review, signal) => postReview(http, review, signal),
  };
}

/** Where the repositories lie: beside the API on an Enterprise server, on another host in GitHub's own clouds. */
function hostOfApi(apiUrl: string): string {
  const { host } = new URL(apiUrl);
  return /^api\.(?:github\.com|[a-z0-9-]+\.ghe\.com)$/u.test(host) ? host.slice('api.'.length) : host;
}
