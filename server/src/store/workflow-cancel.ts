import { sql } from 'kysely';
import type { TaskState } from '../domain/task-state.ts';
import { openWorkflowRunStates } from '../domain/workflow.ts';
import type { Database } from './database.ts';
import type { Viewer } from './tasks.ts';
import { advanceRun, cancelRun, currentStep, lockOpenRun } from './workflow-advance.ts';
import { findTaskAtWork } from './workflow-of-task.ts';

export type CancelledRun =
  /** There is no such run any more that could be cancelled. */
  | { readonly kind: 'over' }
  | {
      readonly kind: 'wanted';
      /** The task that is at work on the step, to be cancelled by whoever asked; the sweeper does it else. */
      readonly taskId?: string;
    };

/**
 * Records the wish to end a run. What has not begun ends at once; a request under way ends by itself and is the last;
 * a task is to be cancelled, and its end ends the run.
 */
export async function cancelWorkflowRun(database: Database, runId: string): Promise<CancelledRun> {
  return database.transaction(async (tx) => {
    const run = await lockOpenRun(tx, runId);
    if (run === undefined) return { kind: 'over' };
    await tx
      .updateTable('workflow_runs')
      .set({ cancel_requested_at: sql`coalesce(cancel_requested_at, now())` })
      .where('id', '=', runId)
      .execute();
    const step = await currentStep(tx, runId);
    const dropped = await tx
      .updateTable('effects')
      .set({ state: 'dropped', ended_at: sql`now()`, deadline_at: null })
      .where('workflow_run_id', '=', runId)
      .where('state', '=', 'waiting')
      .returning('id')
      .execute();
    const taskId = await findTaskAtWork(tx, runId);
    if (dropped.length > 0 && taskId === undefined) {
      if (step.state === 'pending') await cancelRun(tx, run);
      else await advanceRun(tx, run, step, { kind: 'cancelled' });
      return { kind: 'wanted' };
    }
    return { kind: 'wanted', ...(taskId === undefined ? {} : { taskId }) };
  });
}

/** The runs of a workflow that are not over, of those that the viewer may see. */
export async function findOpenRuns(
  database: Database,
  viewer: Viewer,
  workflowName: string,
): Promise<readonly string[]> {
  let query = database.kysely
    .selectFrom('workflow_runs')
    .select('id')
    .where('workflow_name', '=', workflowName)
    .where('state', 'in', [...openWorkflowRunStates]);
  if (!viewer.isAdmin) query = query.where('owner_id', '=', viewer.userId);
  const rows = await query.orderBy('number').execute();
  return rows.map(({ id }) => id);
}

/**
 * A task of a run that was cancelled which nobody has asked to stop yet: who wanted to has died in between.
 * Undefined: there is none.
 */
export async function findForgottenTask(
  database: Database,
  cancellable: readonly TaskState[],
): Promise<string | undefined> {
  const row = await database.kysely
    .selectFrom('workflow_runs')
    .innerJoin('workflow_steps', 'workflow_steps.run_id', 'workflow_runs.id')
    // By its place: who created it may have died before it could say so.
    .innerJoin('tasks', (join) =>
      join
        .onRef('tasks.workflow_run_id', '=', 'workflow_steps.run_id')
        .onRef('tasks.workflow_step', '=', 'workflow_steps.position'),
    )
    .select('tasks.id')
    .where('workflow_runs.state', 'in', [...openWorkflowRunStates])
    .where('workflow_runs.cancel_requested_at', 'is not', null)
    .where('workflow_steps.state', '=', 'running')
    .where('tasks.state', 'in', [...cancellable])
    .where('tasks.cancel_requested_at', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}
