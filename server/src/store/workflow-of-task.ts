import { sql, type Transaction } from 'kysely';
import type { Tables } from './tables.ts';
import {
  advanceRun,
  bindTask,
  currentStep,
  lockOpenRun,
  type CurrentStep,
  type StepEnd,
} from './workflow-advance.ts';

/** As much of a task's last word as later steps can use, in characters. */
const resultCharacters = 100_000;

/**
 * In the transaction that ends an iteration of a task, after the task's row has its last state: where a workflow
 * run waits for the task, the run goes on. What ends a step inserts the next one, so that no kill can come between.
 */
export async function advanceWorkflowOf(tx: Transaction<Tables>, taskId: string): Promise<void> {
  const task = await tx
    .selectFrom('tasks')
    .select(['workflow_run_id as runId', 'workflow_step as position'])
    .where('id', '=', taskId)
    .where('workflow_run_id', 'is not', null)
    .executeTakeFirst();
  if (task === undefined || task.runId === null) return;
  const run = await lockOpenRun(tx, task.runId);
  if (run === undefined) return;
  const step = await currentStep(tx, run.runId);
  // A task can be done before the effect that created it has said so.
  const isItsStep = step.kind === 'task' ? step.position === task.position : step.taskId === taskId;
  if (step.state !== 'running' || !isItsStep) return;
  const end = await endOfStepTask(tx, step, taskId);
  if (end === undefined) return;
  await bindTask(tx, run, step, taskId);
  await advanceRun(tx, run, step, end);
}

/**
 * The task that is at work on the step of an open run, which is locked: its own, also where its creator died before it
 * could say so, or the one that an action is publishing. Its end ends the step. Undefined: there is none.
 */
export async function findTaskAtWork(tx: Transaction<Tables>, runId: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('workflow_steps')
    .innerJoin('tasks', 'tasks.workflow_run_id', 'workflow_steps.run_id')
    .select('tasks.id')
    .where('workflow_steps.run_id', '=', runId)
    .where('workflow_steps.state', '=', 'running')
    .where((where) =>
      where.or([
        where.and([
          where('workflow_steps.kind', '=', 'task'),
          where('tasks.workflow_step', '=', where.ref('workflow_steps.position')),
        ]),
        where.and([
          where('tasks.id', '=', where.ref('workflow_steps.task_id')),
          where('tasks.state', '=', 'creating_pr'),
        ]),
      ]),
    )
    .executeTakeFirst();
  return row?.id;
}

/** What the state of its task means for a step; undefined: the task is still at work on it. */
export async function endOfStepTask(
  tx: Transaction<Tables>,
  { kind }: Pick<CurrentStep, 'kind'>,
  taskId: string,
): Promise<StepEnd | undefined> {
  const task = await tx
    .selectFrom('tasks')
    .select([
      'state',
      'failure',
      'branch',
      sql<string>`left(coalesce(result, ''), ${resultCharacters})`.as('result'),
      'pull_request_number as number',
      'pull_request_url as url',
    ])
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  if (task.state === 'failed') {
    return { kind: 'failed', error: task.failure?.message ?? 'the task has failed' };
  }
  if (task.state === 'cancelled') return { kind: 'cancelled' };
  if (task.state !== 'completed' && task.state !== 'pr_created') return undefined;
  if (kind === 'task') {
    const outputs = { task_id: taskId, status: 'completed', result: task.result };
    return { kind: 'completed', outputs };
  }
  // Finished work is where an action begins.
  if (task.state === 'completed') return undefined;
  return {
    kind: 'completed',
    outputs: { pr_url: task.url, pr_number: task.number, branch: task.branch },
  };
}
