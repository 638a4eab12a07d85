import { composeFetch } from './compose-fetch.ts';
import { composeCreateTask, pullRequestDeps } from './compose-tasks.ts';
import type { Foundation } from './compose.ts';
import type { EffectHandler } from './effects/outbox.ts';
import { createStepPublication } from './effects/workflow-publish.ts';
import { createWorkflowStepHandler } from './effects/workflow-step.ts';
import { createStepTask } from './effects/workflow-task.ts';
import { createStopTask } from './services/cancel-task.ts';
import { createWantPullRequest } from './services/create-pull-request.ts';
import { findTool } from './services/show-tool.ts';
import type { WorkerContext } from './worker/context.ts';

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
      keyRing,
      findTool: (name) => findTool(database, name),
    }),
    publish: createStepPublication({
      database,
      wantPullRequest: createWantPullRequest(pullRequestDeps(foundation)),
    }),
    stopTask: createStopTask({ database, wakeups }),
  });
}
