import type { PullRequestWish } from '../domain/effect-state.ts';
import type { ChangedFiles, ChangesSummary } from '../domain/event.ts';
import { pullRequestWishOf } from '../domain/pull-request-text.ts';
import type { TestOutcome } from '../domain/test-outcome.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { Success } from '../store/finish-run.ts';
import type { WorkerContext } from './context.ts';
import { workBranch } from './prepare-workspace.ts';

/** Finished work, as people are told of it. */
export type Publishable = {
  readonly result: string;
  readonly changes: ChangesSummary;
  readonly files: ChangedFiles | null;
  /** What came of the task's test command. */
  readonly tests?: TestOutcome;
};

/** Where the work of a task that publishes by itself goes; undefined: a person publishes. */
export function pushOf(context: WorkerContext, run: ClaimedRun, work: Publishable): Success['push'] {
  if (run.publish === 'manual') return undefined;
  return {
    effectId: context.ids.ordered(),
    branch: workBranch(context, run),
    expected: run.pushedCommit,
    pullRequest: pullRequestOf(context, run, work),
  };
}

/** Where the repository lies on a host without pull requests, its branch is all that there is to publish. */
function pullRequestOf(
  context: WorkerContext,
  run: ClaimedRun,
  work: Publishable,
): PullRequestWish | undefined {
  if (run.publish !== 'pull_request') return undefined;
  if (!context.forgeOf(run.repositoryUrl).abilities.pullRequests) return undefined;
  const { targetBranch, draft, labels, ticket, pullRequestTitle } = run.options;
  const about = { taskId: run.taskId, prompt: run.prompt, branch: workBranch(context, run) };
  const finished = { ...about, ...work, targetBranch, draft, labels, ticket, pullRequestTitle };
  return pullRequestWishOf(context.ids.ordered(), finished, {}, context.settings.pullRequests);
}
