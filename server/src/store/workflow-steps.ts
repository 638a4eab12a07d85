import type { Transaction } from 'kysely';
import type { StepOutputs } from '../domain/workflow.ts';
import type { Database } from './database.ts';
import { endEffect, type EffectOf } from './effects.ts';
import { falseWhenMoved } from './move-run.ts';
import type { Tables } from './tables.ts';
import {
  advanceRun,
  bindTask,
  cancelRun,
  currentStep,
  lockOpenRun,
  startStep,
  type CurrentStep,
  type OpenRun,
} from './workflow-advance.ts';
import { endOfStepTask, findTaskAtWork } from './workflow-of-task.ts';

type StepEffect = EffectOf<'workflow_step'>;

/** A step that has begun, and what those before it have left. */
export type BegunStep = Pick<OpenRun, 'runId' | 'ownerId' | 'planId'> & {
  readonly position: number;
  readonly outputs: ReadonlyMap<string, StepOutputs>;
  /** The tasks of earlier steps, by the steps' names. */
  readonly tasks: ReadonlyMap<string, string>;
};

/**
 * Begins the step of an effect. Repeated, it begins nothing anew. Undefined: there is nothing to do any more, and the
 * effect has ended; or the lease is lost.
 */
export async function beginStep(database: Database, effect: StepEffect): Promise<BegunStep | undefined> {
  const begun = await database
    .transaction(async (tx) => {
      const at = await lockStep(tx, effect);
      if (at === undefined || at.run.isCancelling) {
        await endEffect(tx, effect, { state: 'done', outcome: { kind: 'not_wanted' } });
        if (at?.step.state === 'pending') await cancelRun(tx, at.run);
        else if (at !== undefined && (await findTaskAtWork(tx, at.run.runId)) === undefined) {
          await advanceRun(tx, at.run, at.step, { kind: 'cancelled' });
        }
        return undefined;
      }
      await startStep(tx, at.run, at.step);
      return { ...at.run, position: at.step.position, ...(await readEarlier(tx, effect.workflowRunId)) };
    })
    .catch(falseWhenMoved);
  return begun === false ? undefined : begun;
}

/** What a handler made of the step. */
export type StepSettlement =
  | { readonly kind: 'completed'; readonly outputs: StepOutputs }
  | { readonly kind: 'failed'; readonly error: string }
  /** A task is at work on it, and its end is the step's. */
  | { readonly kind: 'begun'; readonly taskId: string };

/**
 * Records it. `stop`: a task that is wanted by nobody any more, since the run was cancelled meanwhile. False: the
 * lease is lost.
 */
export async function settleStep(
  database: Database,
  effect: StepEffect,
  settlement: StepSettlement,
): Promise<{ readonly stop?: string } | false> {
  return database
    .transaction(async (tx) => {
      if (settlement.kind === 'begun') await lockTask(tx, settlement.taskId);
      const at = await lockStep(tx, effect);
      const ending = endEffect(tx, effect, {
        state: settlement.kind === 'failed' ? 'failed' : 'done',
        outcome: { kind: settlement.kind },
      });
      if (settlement.kind === 'begun' && at === undefined) {
        // With the lease lost too: nobody else knows of a task that was created when its run had ended already.
        await ending.catch(falseWhenMoved);
        // The step was ended by the task's own end, or by that of the run, which wants no task any more.
        return (await isTaskUnwanted(tx, effect)) ? { stop: settlement.taskId } : {};
      }
      await ending;
      if (at === undefined) return {};
      if (settlement.kind !== 'begun') {
        const isUnwanted = at.run.isCancelling && settlement.kind === 'failed';
        await advanceRun(tx, at.run, at.step, isUnwanted ? { kind: 'cancelled' } : settlement);
        return {};
      }
      const { taskId } = settlement;
      await bindTask(tx, at.run, at.step, taskId);
      const end = await endOfStepTask(tx, at.step, taskId);
      if (end !== undefined) await advanceRun(tx, at.run, at.step, end);
      return at.run.isCancelling && end === undefined ? { stop: taskId } : {};
    })
    .catch(falseWhenMoved);
}

/** Says of an action which task it is about, before anything is done to that. False: there is nothing to do any more. */
export async function nameStepTask(database: Database, effect: StepEffect, taskId: string): Promise<boolean> {
  return database.transaction(async (tx) => {
    // Binding it locks its row for the foreign key, and whoever ends the task has that before the run's.
    await lockTask(tx, taskId);
    const at = await lockStep(tx, effect);
    if (at === undefined || at.step.state !== 'running') return false;
    await bindTask(tx, at.run, at.step, taskId);
    return true;
  });
}

/** The run and the step of an effect, both locked; undefined where that step is over. */
async function lockStep(
  tx: Transaction<Tables>,
  { workflowRunId, payload }: StepEffect,
): Promise<{ readonly run: OpenRun; readonly step: CurrentStep } | undefined> {
  const run = await lockOpenRun(tx, workflowRunId);
  if (run === undefined) return undefined;
  const step = await currentStep(tx, workflowRunId);
  return step.position === payload.position ? { run, step } : undefined;
}

/** Of a step that is over: whether its own task was to end with it. An action's task is that of another step. */
async function isTaskUnwanted(
  tx: Transaction<Tables>,
  { workflowRunId, payload }: StepEffect,
): Promise<boolean> {
  const step = await tx
    .selectFrom('workflow_steps')
    .select(['kind', 'state'])
    .where('run_id', '=', workflowRunId)
    .where('position', '=', payload.position)
    .executeTakeFirst();
  return step?.kind === 'task' && step.state !== 'completed';
}

async function lockTask(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await tx.selectFrom('tasks').select('id').where('id', '=', taskId).forUpdate().execute();
}

async function readEarlier(
  tx: Transaction<Tables>,
  runId: string,
): Promise<Pick<BegunStep, 'outputs' | 'tasks'>> {
  const steps = await tx
    .selectFrom('workflow_steps')
    .select(['name', 'outputs', 'task_id as taskId'])
    .where('run_id', '=', runId)
    .where('state', '=', 'completed')
    .execute();
  return {
    outputs: new Map(steps.map(({ name, outputs }) => [name, outputs ?? {}])),
    tasks: new Map(steps.flatMap(({ name, taskId }) => (taskId === null ? [] : [[name, taskId] as const]))),
  };
}
