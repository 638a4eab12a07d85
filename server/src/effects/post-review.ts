import type { FaultPoint } from '../domain/fault-points.ts';
import { parseRepositoryUrl, type RepositoryUrlPolicy } from '../domain/repository-url.ts';
import { reviewPostOf } from '../domain/review-text.ts';
import { ForgeError, type ForgeOf, type PullRequestAccess } from '../forges/forge.ts';
import type { Faults } from '../lib/faults.ts';
import type { Logger } from '../lib/logger.ts';
import type { FindCredential } from '../services/find-credential.ts';
import type { Database } from '../store/database.ts';
import type { EffectOf } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import { settleReview, type ReviewSettlement } from '../store/settle-review.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { credentialOr } from './credential-or.ts';
import type { EffectHandler } from './outbox.ts';
import { tryLater } from './try-later.ts';

export type PostReviewDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly forgeOf: ForgeOf;
  readonly findCredential: FindCredential;
  readonly repositories: RepositoryUrlPolicy;
  readonly logger: Logger;
  readonly faults: Faults<FaultPoint>;
};

type ReviewEffect = EffectOf<'review'>;

const what = 'a review could not be posted';

/**
 * Posts a review to its pull request, or finds the one that an earlier try has posted: it carries the effect's id
 * as a marker, so whoever does it again after a crash, or after an answer that was lost, leaves one.
 */
export function createPostReviewHandler(deps: PostReviewDeps): EffectHandler<'review'> {
  return async (effect, signal) => {
    const settlement = await post(deps, effect, signal);
    if (settlement === undefined) return;
    await withPatience(signal, () => settleReview(deps.database, effect, settlement));
    deps.faults.reach('post_review.settled');
    if (settlement.kind === 'failed') {
      deps.logger.warn({ taskId: effect.taskId, reason: settlement.reason }, what);
    }
    // The callback that waited for it may go.
    deps.wakeups.wake('effect', effect.taskId);
  };
}

/** Undefined: it is tried again later. */
async function post(
  deps: PostReviewDeps,
  effect: ReviewEffect,
  signal: AbortSignal,
): Promise<ReviewSettlement | undefined> {
  const credential = await credentialOr(deps.findCredential, effect, signal);
  if ('failure' in credential) {
    const { retryable, message: reason } = credential.failure;
    return retryable ? tryLater(deps, effect, { reason, what }, signal) : { kind: 'failed', reason };
  }
  const { path } = parseRepositoryUrl(effect.repositoryUrl, deps.repositories);
  const { number } = effect.payload;
  const pullRequest = { url: effect.repositoryUrl, path, token: credential.token, number };
  try {
    const posted = await postTo(deps, effect, pullRequest, signal);
    deps.faults.reach('post_review.posted');
    return { kind: 'posted', url: posted.url, comments: posted.comments };
  } catch (error) {
    if (!(error instanceof ForgeError) || signal.aborted) throw error;
    const { message: reason, retryAfterMs: atLeastMs, retryable } = error;
    return retryable
      ? tryLater(deps, effect, { reason, what, atLeastMs }, signal)
      : { kind: 'failed', reason };
  }
}

/**
 * What was found is about one commit. Where the pull request has moved on since, its lines are not those that
 * were reviewed: then all of it goes into the summary, which says so. One that is not open any more can be
 * commented on, and neither approved nor held up.
 */
async function postTo(
  { forgeOf }: Pick<PostReviewDeps, 'forgeOf'>,
  { effectId, payload, repositoryUrl }: ReviewEffect,
  pullRequest: PullRequestAccess,
  signal: AbortSignal,
) {
  const forge = forgeOf(repositoryUrl);
  const { state } = await forge.findPullRequest(pullRequest, signal);
  const diff = await forge.readDiff(pullRequest, signal);
  const { review, commit } = payload;
  const hasMoved = diff.headCommit !== commit;
  const { comments, summary } = reviewPostOf(review, hasMoved ? { files: new Map() } : diff, [
    ...(hasMoved ? [`This review is about the commit ${commit}; the pull request has moved on since.`] : []),
    ...(state === 'open' ? [] : [`The pull request was ${state} before this review was posted.`]),
  ]);
  const verdict = state === 'open' && !hasMoved ? review.verdict : 'comment';
  return forge.postReview({ ...pullRequest, marker: effectId, verdict, diff, comments, summary }, signal);
}
