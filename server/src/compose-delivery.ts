import type { EffectKind } from './domain/effect-state.ts';
import type { FaultPoint } from './domain/fault-points.ts';
import type { EffectHandlers } from './effects/outbox.ts';
import { createPostReviewHandler } from './effects/post-review.ts';
import { createPullRequestHandler } from './effects/pull-request.ts';
import { createPushHandler } from './effects/push.ts';
import type { WorkerContext } from './worker/context.ts';

/** Which fault point an effect passes when it has been leased. */
export const leasePoints: Readonly<Record<EffectKind, FaultPoint>> = {
  push: 'deliver.leased',
  pull_request: 'pull_request.leased',
  review: 'post_review.leased',
  workflow_step: 'step.leased',
  callback: 'callback.leased',
};

/** The handlers that bring work, and what was found in it, to where it is published. */
export function composeDelivery(context: WorkerContext): Omit<EffectHandlers, 'workflow_step' | 'callback'> {
  const { database, wakeups, ids, faults, forgeOf, findCredential, logger } = context;
  const { repositories } = context.settings;
  const atForges = { database, wakeups, forgeOf, findCredential, repositories, logger, faults };
  return {
    push: createPushHandler({
      database,
      wakeups,
      blobs: context.blobs,
      git: context.git,
      mirrors: context.mirrors,
      findCredential,
      repositories,
      scratch: context.folders.scratch,
      ids,
      faults,
    }),
    pull_request: createPullRequestHandler(atForges),
    review: createPostReviewHandler(atForges),
  };
}
