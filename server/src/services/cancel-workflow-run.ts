import { Refusal } from '../domain/errors.ts';
import type { WorkflowRunState } from '../domain/workflow.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { cancelWorkflowRun, findOpenRuns } from '../store/workflow-cancel.ts';
import { createStopTask } from './cancel-task.ts';
import { visibleRun } from './show-workflow-run.ts';

export type CancelWorkflowRunDeps = { readonly database: Database; readonly wakeups: Wakeups };

/** The run is over; the surface says it in its own words. */
export class WorkflowRunOver extends Refusal {
  readonly state: WorkflowRunState;

  constructor(state: WorkflowRunState) {
    super('conflict', `the workflow run is ${state}`);
    this.state = state;
  }
}

/**
 * Asks for the end of a run and of the task that is at work on it. The wish is durable when this returns.
 *
 * @throws Refusal `not_found`, or `WorkflowRunOver`.
 */
export function createCancelWorkflowRunService(deps: CancelWorkflowRunDeps) {
  return async (viewer: Viewer, id: string): Promise<void> => {
    const run = await visibleRun(deps.database, viewer, id);
    if (await cancelOne(deps, run.id)) return;
    throw new WorkflowRunOver((await visibleRun(deps.database, viewer, id)).state);
  };
}

/** The same for all runs of a workflow that the viewer may see. Gives how many were not over. */
export function createCancelWorkflowRunsService(deps: CancelWorkflowRunDeps) {
  return async (viewer: Viewer, workflowName: string): Promise<number> => {
    let count = 0;
    for (const id of await findOpenRuns(deps.database, viewer, workflowName)) {
      if (await cancelOne(deps, id)) count += 1;
    }
    return count;
  };
}

/** False: it is over. */
async function cancelOne({ database, wakeups }: CancelWorkflowRunDeps, runId: string): Promise<boolean> {
  const answer = await cancelWorkflowRun(database, runId);
  if (answer.kind === 'over') return false;
  // One that is refused is at its end, which is the step's. A task whose asker dies here is the sweeper's.
  if (answer.taskId !== undefined) await createStopTask({ database, wakeups })(answer.taskId);
  // A request under way is broken off by it.
  wakeups.wake('cancel', runId);
  wakeups.wake('stream', runId);
  return true;
}
