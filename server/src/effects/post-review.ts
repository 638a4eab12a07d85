import { reviewPostOf } from '../domain/review-text.ts';
import type { Forge, PostedReview, RepositoryAccess } from '../forges/forge.ts';
import type { EffectOf } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import { settleReview, type ReviewSettlement } from '../store/settle-review.ts';
import { doAtForge, type AtForgeDeps } from './at-forge.ts';
import type { EffectHandler } from './outbox.ts';

type ReviewEffect = EffectOf<'review'>;

const failing = 'a review could not be posted';

/**
 * Posts a review to its pull request, or finds the one that an earlier try has posted: it carries the effect's id
 * as a marker, so whoever does it again after a crash, or after an answer that was lost, leaves one.
 */
export function createPostReviewHandler(deps: AtForgeDeps): EffectHandler<'review'> {
  return async (effect, signal) => {
    const settlement = await doAtForge(deps, effect, {
      failing,
      signal,
      act: async (forge, repository) => {
        const { url, comments } = await postTo(forge, effect, { repository, signal });
        deps.faults.reach('post_review.posted');
        return { kind: 'posted', url, comments } satisfies ReviewSettlement;
      },
    });
    if (settlement === undefined) return;
    if (settlement.kind === 'refused') {
      deps.logger.warn({ taskId: effect.taskId, reason: settlement.reason }, failing);
    }
    await withPatience(signal, () =>
      settleReview(
        deps.database,
        effect,
        settlement.kind === 'posted' ? settlement : { kind: 'failed', reason: settlement.reason },
      ),
    );
    deps.faults.reach('post_review.settled');
    // The callback that waited for it may go.
    deps.wakeups.wake('effect', effect.taskId);
  };
}

/**
 * What was found is about one commit. Where the pull request has moved on since, its lines are not those that
 * were reviewed: then all of it goes into the summary, which says so. One that is not open any more can be
 * commented on, and neither approved nor held up.
 */
async function postTo(
  forge: Forge,
  { effectId, payload: { number, review, commit } }: ReviewEffect,
  { repository, signal }: { readonly repository: RepositoryAccess; readonly signal: AbortSignal },
): Promise<PostedReview> {
  const pullRequest = { ...repository, number };
  const { state } = await forge.findPullRequest(pullRequest, signal);
  const diff = await forge.readDiff(pullRequest, signal);
  const hasMoved = diff.headCommit !== commit;
  const { comments, summary } = reviewPostOf(review, hasMoved ? { files: new Map() } : diff, [
    ...(hasMoved ? [`This review is about the commit ${commit}; the pull request has moved on since.`] : []),
    ...(state === 'open' ? [] : [`The pull request was ${state} before this review was posted.`]),
  ]);
  const verdict = state === 'open' && !hasMoved ? review.verdict : 'comment';
  return forge.postReview({ ...pullRequest, marker: effectId, verdict, diff, comments, summary }, signal);
}
