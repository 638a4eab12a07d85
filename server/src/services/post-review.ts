import { Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import type { ForgeOf } from '../forges/forge.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Database } from '../store/database.ts';
import {
  findReview,
  readReviewPost,
  wantReviewPosted,
  type KeptReview,
  type ReviewPostState,
} from '../store/post-review.ts';
import { findTask, type Task, type TaskReference } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import type { FindCredential } from './find-credential.ts';
import { refuseWithoutToken } from './refuse-without-token.ts';
import { requireAbility, type Actor } from './require-ability.ts';
import { waitForTask } from './wait-for-task.ts';

/** Undefined: the pull request that the task is about, or has opened. */
export type PostReviewOrder = { readonly pullRequestNumber?: number };

export type PostedTaskReview = {
  readonly url: string;
  /** Comments on lines. */
  readonly comments: number;
  readonly pullRequestNumber: number;
};

export type PostReview = (
  actor: Actor,
  reference: TaskReference,
  order: PostReviewOrder,
  signal: AbortSignal,
) => Promise<PostedTaskReview>;

export type PostReviewDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly forgeOf: ForgeOf;
  readonly findCredential: FindCredential;
  readonly waitMs: number;
};

/**
 * Posts the review that a task has to a pull request, and waits for it. One review stands once at a pull request,
 * however often it is asked for; a post that failed is tried again.
 *
 * @throws Refusal `forbidden`; `not_found`; `invalid` where there is no review, no pull request, none on that host, or
 * no token for it; `delivery_failed` with the reason; `unavailable` when it takes longer than the call may wait.
 */
export function createPostReviewService(deps: PostReviewDeps): PostReview {
  return async (actor, reference, order, signal) => {
    requireAbility(actor, 'git:push');
    const task = await findTask(deps.database, actor, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    const kept = await findReview(deps.database, task.id);
    if (kept === undefined) throw new Refusal('invalid', 'the task has no review result: review it first');
    const number = order.pullRequestNumber ?? task.options.pullRequestNumber ?? task.pullRequestNumber;
    if (number === null) {
      throw new Refusal('invalid', 'no PR number: the task is about no pull request and has none; give one');
    }
    await refuseUnpostable(deps, task, signal);
    const effectId = await want(deps, { task, kept, number });
    return { ...(await waitForIt(deps, { taskId: task.id, effectId }, signal)), pullRequestNumber: number };
  };
}

/** What can be known before anything is begun. */
async function refuseUnpostable(deps: PostReviewDeps, task: Task, signal: AbortSignal): Promise<void> {
  const forge = deps.forgeOf(task.repositoryUrl);
  if (!forge.abilities.pullRequests) {
    throw new Refusal(
      'invalid',
      'reviews cannot be posted for this repository: its host is neither the configured GitHub nor GitLab',
    );
  }
  await refuseWithoutToken(deps, task, signal);
}

async function want(
  deps: PostReviewDeps,
  wish: { readonly task: Task; readonly kept: KeptReview; readonly number: number },
): Promise<string> {
  const { task, kept, number } = wish;
  const effectId = await wantReviewPosted(deps.database, {
    effectId: deps.ids.ordered(),
    taskId: task.id,
    ownerId: task.ownerId,
    number,
    kept,
  });
  deps.faults.reach('post_review.stored');
  deps.wakeups.wake('effect', task.id);
  return effectId;
}

async function waitForIt(
  deps: PostReviewDeps,
  { taskId, effectId }: { readonly taskId: string; readonly effectId: string },
  signal: AbortSignal,
): Promise<Pick<PostedTaskReview, 'url' | 'comments'>> {
  const posted = await waitForTask(deps, taskId, signal, async () =>
    outcomeOf(await readReviewPost(deps.database, effectId)),
  );
  if (posted !== undefined) return posted;
  throw new Refusal(
    'unavailable',
    'the review is not posted yet, and is still being worked on; ask again to see what becomes of it',
    { retryAfterSeconds: 10 },
  );
}

/** Undefined: it has not ended. */
function outcomeOf(
  post: ReviewPostState | undefined,
): Pick<PostedTaskReview, 'url' | 'comments'> | undefined {
  if (post === undefined || post.state === 'dropped') throw new Refusal('delivery_failed', 'it was given up');
  if (post.state === 'waiting' || post.state === 'leased' || post.outcome === null) return undefined;
  if (post.outcome.kind === 'failed') throw new Refusal('delivery_failed', post.outcome.reason);
  const { url, comments } = post.outcome;
  return { url, comments };
}
