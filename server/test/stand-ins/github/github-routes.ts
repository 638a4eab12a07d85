import type { GithubHandler } from './github-call.ts';
import type { GithubOperation } from './openapi-operations.ts';
import { rateLimits } from './rate-limits.ts';
import { createInstallationToken, getApp, getInstallation } from './routes-apps.ts';
import {
  addLabels,
  createComment,
  createLabel,
  getIssue,
  listComments,
  listLabels,
  updateIssue,
} from './routes-issues.ts';
import { createPull, getPull, listPullFiles, listPulls, updatePull } from './routes-pulls.ts';
import {
  getBranch,
  getRepository,
  getUser,
  listInstallationRepositories,
  listOwnRepositories,
} from './routes-repositories.ts';
import { createReview, listReviewComments, listReviews } from './routes-reviews.ts';

/** What answers each operation. */
export const githubRoutes = {
  'GET /user': getUser,
  'GET /user/repos': listOwnRepositories,
  'GET /rate_limit': rateLimits,
  'GET /repos/{owner}/{repo}': getRepository,
  'GET /repos/{owner}/{repo}/branches/{branch}': getBranch,
  'GET /repos/{owner}/{repo}/pulls': listPulls,
  'POST /repos/{owner}/{repo}/pulls': createPull,
  'GET /repos/{owner}/{repo}/pulls/{pull_number}': getPull,
  'PATCH /repos/{owner}/{repo}/pulls/{pull_number}': updatePull,
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/files': listPullFiles,
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews': listReviews,
  'POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews': createReview,
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/comments': listReviewComments,
  'GET /repos/{owner}/{repo}/issues/{issue_number}': getIssue,
  'PATCH /repos/{owner}/{repo}/issues/{issue_number}': updateIssue,
  'GET /repos/{owner}/{repo}/issues/{issue_number}/labels': listLabels,
  'POST /repos/{owner}/{repo}/issues/{issue_number}/labels': addLabels,
  'GET /repos/{owner}/{repo}/issues/{issue_number}/comments': listComments,
  'POST /repos/{owner}/{repo}/issues/{issue_number}/comments': createComment,
  'POST /repos/{owner}/{repo}/labels': createLabel,
  'GET /app': getApp,
  'GET /repos/{owner}/{repo}/installation': getInstallation,
  'POST /app/installations/{installation_id}/access_tokens': createInstallationToken,
  'GET /installation/repositories': listInstallationRepositories,
} satisfies Readonly<Record<GithubOperation, GithubHandler>>;
