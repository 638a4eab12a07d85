import type { ChangesSummary } from './event.ts';
import type { ReviewResult } from './review.ts';
import type { Spend } from './spend.ts';

/** Every state that an effect can be stored in; `waiting` again after a lapsed lease or a failed try. */
export const effectStates = ['waiting', 'leased', 'done', 'failed', 'dropped'] as const;
export type EffectState = (typeof effectStates)[number];

export const effectTransitions = {
  waiting: ['leased', 'failed', 'dropped'],
  leased: ['waiting', 'leased', 'done', 'failed', 'dropped'],
  /** A callback that somebody wants to see again. */
  done: ['waiting'],
  failed: ['waiting'],
  dropped: [],
} as const satisfies Record<EffectState, readonly EffectState[]>;

export const effectKinds = ['push', 'pull_request', 'review', 'workflow_step', 'callback'] as const;
export type EffectKind = (typeof effectKinds)[number];

/** This commit to this branch, expecting what was pushed last (or that the branch is not there yet). */
export type PushPayload = {
  readonly commit: string;
  readonly branch: string;
  readonly expected: string | null;
  /** The first choice of a name; numbered ones follow when it is taken. */
  readonly firstBranch: string;
  /** What follows once the branch is there. */
  readonly pullRequest?: PullRequestWish;
};

/** What a pull request shall be, as a person or the task's policy asked for it. */
export type PullRequestWish = {
  readonly effectId: string;
  readonly title: string;
  readonly body: string;
  /** What a pull request that is there already gets too: somebody gave it. */
  readonly overwrite: readonly ('title' | 'body')[];
  /** The branch to merge into; null: the repository's default branch, looked up. */
  readonly base: string | null;
  readonly draft: boolean;
  readonly labels: readonly string[];
};

/** A pull request from this branch, on the forge that the task's repository lies on. */
export type PullRequestPayload = Omit<PullRequestWish, 'effectId'> & {
  readonly branch: string;
  readonly commit: string;
  /** The pull request that the task has so far. */
  readonly known: number | null;
};

/** A review for the people who discuss a pull request. */
export type ReviewPayload = {
  /** Of the pull request. */
  readonly number: number;
  /** The commit that was reviewed. */
  readonly commit: string;
  readonly review: ReviewResult;
  /** The task's end is told of when this has ended; else a person asked for it, and nobody else is told. */
  readonly endsTask: boolean;
};

/** A step of a workflow run is to be begun: a request is made, a task created or published. */
export type WorkflowStepPayload = {
  /** From 0 on. */
  readonly position: number;
};

/** One notification of one end of a task. Its bytes are a function of it, its effect's id is the delivery's id. */
export type CallbackPayload = {
  readonly url: string;
  readonly event: 'task.completed' | 'task.failed';
  readonly taskId: string;
  readonly iteration: number;
  readonly status: 'completed' | 'pr_created' | 'failed';
  readonly result: string | null;
  readonly error: string | null;
  /** What a review of the work came to; null: it was not reviewed. */
  readonly review: ReviewResult | null;
  readonly changes: ChangesSummary | null;
  readonly durationMs: number;
  readonly spend: Spend;
  readonly branch: string | null;
  readonly pullRequest: { readonly number: number; readonly url: string } | null;
  readonly traceId: string;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
};

/** What each kind of effect is told to do; never changes once it is stored. */
export type EffectPayloads = {
  readonly push: PushPayload;
  readonly pull_request: PullRequestPayload;
  readonly review: ReviewPayload;
  readonly workflow_step: WorkflowStepPayload;
  readonly callback: CallbackPayload;
};

/** One push of one run's commit: a repeated finish or settle cannot ask for it twice. */
export function pushEffectKey(runId: string, branch: string): string {
  return `push:${runId}:${branch}`;
}

/** One pull request for each push that it was to follow. */
export function pullRequestEffectKey(pushEffectId: string): string {
  return `pull_request:${pushEffectId}`;
}

/** One post for each review and pull request: asked for again, it is the same. */
export function reviewEffectKey(runId: string, pullRequest: number): string {
  return `review:${runId}:${pullRequest}`;
}

/** Each step of a run is begun once. */
export function workflowStepEffectKey(workflowRunId: string, position: number): string {
  return `workflow_step:${workflowRunId}:${position}`;
}

/**
 * One callback for each way in which an iteration ended: finished work whose publishing failed has two. A review
 * that somebody asked for afterwards (`reviewRunId`) is an end of its own.
 */
export function callbackEffectKey(
  taskId: string,
  iteration: number,
  event: CallbackPayload['event'],
  reviewRunId?: string,
): string {
  const key = `callback:${taskId}:${iteration}:${event}`;
  return reviewRunId === undefined ? key : `${key}:${reviewRunId}`;
}
