import { everyAbility } from '../domain/ability.ts';
import { isRestingTaskState } from '../domain/task-state.ts';
import type { WantPullRequest } from '../services/create-pull-request.ts';
import { TaskStateRefusal } from '../services/task-state-refusal.ts';
import type { Database } from '../store/database.ts';
import { isAdministrator } from '../store/owners.ts';
import { StepFailure } from '../workflows/step-failure.ts';
import type { PullRequestOrder } from '../workflows/step-order.ts';
import type { StepAbout } from './workflow-step.ts';

export type StepPublishDeps = {
  readonly database: Database;
  readonly wantPullRequest: WantPullRequest;
};

/**
 * Has the task of an earlier step published. A task that a person has published already, or is publishing, is what
 * was wanted.
 *
 * @throws StepFailure, or Refusal as creating a pull request does.
 */
export function createStepPublication({ database, wantPullRequest }: StepPublishDeps) {
  return async (
    order: PullRequestOrder,
    { runId, position, ownerId, taskId, mayBeAdministrator }: StepAbout & { readonly taskId: string },
    signal: AbortSignal,
  ): Promise<void> => {
    const isAdmin = mayBeAdministrator && (await isAdministrator(database, ownerId));
    const actor = { userId: ownerId, isAdmin, abilities: everyAbility };
    const { kind: _kind, taskStep: _step, ...asked } = order;
    try {
      const idempotencyKey = `workflow:${runId}:${position}`;
      await wantPullRequest(actor, { id: taskId }, { ...asked, idempotencyKey }, signal);
    } catch (error) {
      if (!(error instanceof TaskStateRefusal)) throw error;
      if (error.state === 'creating_pr' || isRestingTaskState(error.state)) return;
      throw new StepFailure(`the task is ${error.state}: it cannot be published now`, { cause: error });
    }
  };
}
