import { composeFetch } from './compose-fetch.ts';
import { composeCreateTask, pullRequestDeps } from './compose-tasks.ts';
import type { Foundation } from './compose.ts';
import type { EffectHandler } from './effects/outbox.ts';
import { createStepPublication } from './effects/workflow-publish.ts';
import { createWorkflowStepHandler } from './effects/workflow-step.ts';
import { createStepTask } from './effects/workflow-task.ts';
import { openIfPossible } from './secrets/key-ring.ts';
import { createStopTask } from './services/cancel-task.ts';
import { createWantPullRequest } from './services/create-pull-request.ts';
import { findTool } from './services/show-tool.ts';
import { findKey } from './store/keys.ts';
import type { WorkerContext } from './worker/context.ts';
import { StepFailure } from './workflows/step-failure.ts';

/** The handler that begins the steps of workflow runs. */
export function composeWorkflowSteps(
  foundation: Foundation,
  { openSecret }: Pick<WorkerContext, 'openSecret'>,
): EffectHandler<'workflow_step'> {
  const { database, wakeups, keyRing, faults, forges } = foundation;
  return createWorkflowStepHandler({
    database,
    wakeups,
    faults,
    openSecret,
    repoApi: forges.repoApi,
    fetch: composeFetch(foundation),
    createTask: createStepTask({
      database,
      createTask: composeCreateTask(foundation),
      async openKey(ownerId, name) {
        const key = await findKey(database, ownerId, name);
        if (key === undefined) return undefined;
        const token = openIfPossible(keyRing, key.secret);
        if (token !== undefined) return { provider: key.provider, token };
        throw new StepFailure(
          `the key ${name} cannot be decrypted: register it again, then run the workflow again`,
        );
      },
      findTool: (name) => findTool(database, name),
    }),
    publish: createStepPublication({
      database,
      wantPullRequest: createWantPullRequest(pullRequestDeps(foundation)),
    }),
    stopTask: createStopTask({ database, wakeups }),
  });
}
