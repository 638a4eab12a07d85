import { sql } from 'kysely';
import { openWorkflowRunStates } from '../domain/workflow.ts';
import type { Database } from './database.ts';
import { advanceRun, currentStep, lockOpenRun, type OpenRun } from './workflow-advance.ts';
import { findTaskAtWork } from './workflow-of-task.ts';

export type SweptWorkflowRun = { readonly runId: string; readonly taskId: string | null };

const tooLong = 'the workflow run took too long: see what its step waits for, then run it again';
const notBegun =
  "the step could not be begun in time: see the server's log for the reason, then run it again";

/**
 * Fails one run whose deadline has passed, or whose step nobody could begin before that one's. `taskId`: the task that
 * was at work on it, which nobody waits for any more. Undefined: there is nothing to do.
 */
export async function sweepWorkflowRun(database: Database): Promise<SweptWorkflowRun | undefined> {
  return database.transaction(async (tx) => {
    const late = await tx
      .selectFrom('workflow_runs')
      .select('id')
      .where('state', 'in', [...openWorkflowRunStates])
      .where('deadline_at', '<', sql<Date>`now()`)
      .limit(1)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    if (late !== undefined) {
      const run = await lockOpenRun(tx, late.id);
      return run && fail(run, tooLong);
    }
    const lateEffects = tx
      .selectFrom('effects')
      .select('workflow_run_id as runId')
      .where('kind', '=', 'workflow_step')
      .where('state', '=', 'waiting')
      .where('deadline_at', '<', sql<Date>`now()`)
      .limit(1);
    const stuck = await lateEffects.executeTakeFirst();
    if (stuck === undefined || stuck.runId === null) return undefined;
    const run = await lockOpenRun(tx, stuck.runId);
    // Somebody may have taken it up while the run's lock was waited for.
    const isStuck = (await lateEffects.where('workflow_run_id', '=', stuck.runId).execute()).length > 0;
    return run && isStuck ? fail(run, notBegun) : undefined;

    async function fail(open: OpenRun, error: string): Promise<SweptWorkflowRun> {
      const taskId = await findTaskAtWork(tx, open.runId);
      await advanceRun(tx, open, await currentStep(tx, open.runId), { kind: 'failed', error });
      return { runId: open.runId, taskId: taskId ?? null };
    }
  });
}
