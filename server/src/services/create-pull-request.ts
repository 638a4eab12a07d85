import { firstBranch } from '../domain/branch-name.ts';
import { Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import {
  pullRequestWishOf,
  type AskedPullRequest,
  type FinishedWork,
  type PullRequestPolicy,
} from '../domain/pull-request-text.ts';
import type { ForgeOf } from '../forges/forge.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Database } from '../store/database.ts';
import {
  findWork,
  publishTask,
  readPublication,
  type KeptWork,
  type Publication,
} from '../store/publish-task.ts';
import { findTask, type Task, type TaskReference } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import type { FindCredential } from './find-credential.ts';
import { refuseWithoutToken } from './refuse-without-token.ts';
import { idempotencyMismatch, keptRequestOf } from './idempotency.ts';
import { requireAbility, type Actor } from './require-ability.ts';
import { TaskStateRefusal } from './task-state-refusal.ts';
import { waitForTask } from './wait-for-task.ts';

/** What a caller asks for, checked at the edge. */
export type PullRequestOrder = AskedPullRequest & { readonly idempotencyKey?: string };

export type OpenPullRequest = { readonly number: number; readonly url: string; readonly branch: string };

export type CreatePullRequestDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly forgeOf: ForgeOf;
  readonly findCredential: FindCredential;
  readonly policy: PullRequestPolicy & { readonly branchPrefix: string; readonly waitMs: number };
};

const route = 'create-pr';
const retryAfterSeconds = 10;

/**
 * Publishes a finished task as a pull request and waits for it. What was asked for is durable before anything
 * happens outside, and goes on when the caller leaves or its time is over. After a follow-up the same branch
 * and the same pull request are brought up to date. With an idempotency key a repeated call waits for the
 * first one's pull request.
 *
 * @throws Refusal `forbidden`, `not_found`, `conflict` (as `TaskStateRefusal`), `invalid` where there is nothing to
 * publish, no pull request on that host or no token for it; `delivery_failed` with the reason; `unavailable` when it
 * takes longer than the call may wait.
 */
export function createPullRequestService(deps: CreatePullRequestDeps) {
  const wantPullRequest = createWantPullRequest(deps);
  return async (
    actor: Actor,
    reference: TaskReference,
    order: PullRequestOrder,
    signal: AbortSignal,
  ): Promise<OpenPullRequest> => {
    const taskId = await wantPullRequest(actor, reference, order, signal);
    return waitForIt(deps, taskId, signal);
  };
}

/** Has a finished task published, without waiting for it; gives the task's id. Throws as the service does. */
export type WantPullRequest = (
  actor: Actor,
  reference: TaskReference,
  order: PullRequestOrder,
  signal: AbortSignal,
) => Promise<string>;

export function createWantPullRequest(deps: CreatePullRequestDeps): WantPullRequest {
  return async (actor, reference, order, signal) => {
    requireAbility(actor, 'git:push');
    const task = await findTask(deps.database, actor, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    const work = await findWork(deps.database.kysely, task.id);
    if (task.state === 'completed') await refuseUnpublishable(deps, task, work, signal);
    await want(deps, actor, { task, work }, order);
    return task.id;
  };
}

/** What can be known before anything is changed. */
async function refuseUnpublishable(
  deps: CreatePullRequestDeps,
  task: Task,
  work: KeptWork | undefined,
  signal: AbortSignal,
): Promise<void> {
  const forge = deps.forgeOf(task.repositoryUrl);
  if (!forge.abilities.pullRequests) {
    throw new Refusal(
      'invalid',
      'pull requests are not supported for this repository: its host is neither the configured GitHub nor GitLab',
    );
  }
  if (work === undefined) throw noChanges();
  await refuseWithoutToken(deps, task, signal);
}

function noChanges(): Refusal {
  return new Refusal('invalid', 'no changes to create a pull request from');
}

async function want(
  deps: CreatePullRequestDeps,
  actor: Actor,
  { task, work }: { readonly task: Task; readonly work: KeptWork | undefined },
  { idempotencyKey, ...asked }: PullRequestOrder,
): Promise<void> {
  const branch = firstBranch(task, deps.policy.branchPrefix);
  const answer = await publishTask(deps.database, {
    taskId: task.id,
    pushEffectId: deps.ids.ordered(),
    wish: pullRequestWishOf(deps.ids.ordered(), finishedWorkOf(task, work, branch), asked, deps.policy),
    firstBranch: branch,
    idempotency: keptRequestOf(actor, { route, key: idempotencyKey, taskId: task.id, asked }),
  });
  switch (answer.kind) {
    case 'unknown':
      throw new Refusal('not_found', 'task not found');
    case 'refused':
      throw new TaskStateRefusal(answer.state);
    case 'no_changes':
      throw noChanges();
    case 'mismatch':
      throw idempotencyMismatch();
    case 'wanted':
      if (!answer.added) return;
      deps.faults.reach('publish.stored');
      deps.wakeups.wake('effect', task.id);
      deps.wakeups.wake('stream', task.id);
  }
}

function finishedWorkOf(task: Task, work: KeptWork | undefined, branch: string): FinishedWork {
  const { targetBranch, draft, labels, ticket, pullRequestTitle } = task.options;
  return {
    taskId: task.id,
    prompt: task.prompt,
    result: task.result ?? '',
    branch: task.branch ?? branch,
    changes: work?.changes ?? null,
    files: work?.files,
    // Of other work they say nothing.
    tests: task.tests?.commit === work?.commit ? task.tests : null,
    targetBranch,
    draft,
    labels,
    ticket,
    pullRequestTitle,
  };
}

async function waitForIt(
  deps: CreatePullRequestDeps,
  taskId: string,
  signal: AbortSignal,
): Promise<OpenPullRequest> {
  const { wakeups, policy } = deps;
  const open = await waitForTask({ wakeups, waitMs: policy.waitMs }, taskId, signal, async () => {
    const publication = await readPublication(deps.database, taskId);
    return publication?.state === 'creating_pr' ? undefined : outcomeOf(publication);
  });
  if (open === undefined) throw stillOpen();
  return open;
}

/** Whatever became of the task since: who sees a pull request behind it has been served. */
function outcomeOf(publication: Publication | undefined): OpenPullRequest {
  if (publication === undefined) throw new Refusal('not_found', 'task not found');
  const { state, failure, branch, number, url } = publication;
  if (state === 'failed') throw new Refusal('delivery_failed', failure ?? 'the task has failed');
  if (number === null || url === null || branch === null) {
    throw new Refusal('delivery_failed', 'the pull request was not opened');
  }
  return { number, url, branch };
}

function stillOpen(): Refusal {
  return new Refusal(
    'unavailable',
    'the pull request is not open yet, and is still being worked on; read the task to see what becomes of it',
    { retryAfterSeconds },
  );
}
