import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { workflowStepEffectKey } from '../domain/effect-state.ts';
import type { NewEvent } from '../domain/event.ts';
import { openWorkflowRunStates, type StepOutputs, type WorkflowStepKind } from '../domain/workflow.ts';
import { appendEvents, jsonText } from './append-events.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

/** A run that is not over, its row locked. */
export type OpenRun = {
  readonly runId: string;
  readonly ownerId: string;
  readonly workflowName: string;
  readonly state: 'pending' | 'running';
  readonly isCancelling: boolean;
  readonly planId: string;
};

/** The step that a run is at: the one that runs, or the first that has not begun. */
export type CurrentStep = {
  readonly position: number;
  readonly name: string;
  readonly kind: WorkflowStepKind;
  readonly state: 'pending' | 'running';
  readonly taskId: string | null;
};

/** How a step ended. */
export type StepEnd =
  | { readonly kind: 'completed'; readonly outputs: StepOutputs }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'cancelled' };

/**
 * Locks a run's row, behind the row of a task and before those of effects and of the log. Undefined: it is over, or
 * was never there.
 */
export async function lockOpenRun(tx: Transaction<Tables>, runId: string): Promise<OpenRun | undefined> {
  const row = await tx
    .selectFrom('workflow_runs')
    .select([
      'id as runId',
      'owner_id as ownerId',
      'workflow_name as workflowName',
      'state',
      'cancel_requested_at',
      sql<string>`secret_id`.as('planId'),
    ])
    .where('id', '=', runId)
    .where('state', 'in', [...openWorkflowRunStates])
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { state, cancel_requested_at: cancelRequestedAt, ...run } = row;
  return { ...run, state: state === 'pending' ? state : 'running', isCancelling: cancelRequestedAt !== null };
}

/** The step that an open run, which is locked, is at. */
export async function currentStep(tx: Transaction<Tables>, runId: string): Promise<CurrentStep> {
  const step = await tx
    .selectFrom('workflow_steps')
    .select(['position', 'name', 'kind', 'state', 'task_id as taskId'])
    .where('run_id', '=', runId)
    .where('state', 'in', ['pending', 'running'])
    .orderBy('position')
    .limit(1)
    .executeTakeFirstOrThrow();
  return { ...step, state: step.state === 'pending' ? 'pending' : 'running' };
}

/** Wants a step to be begun. */
export async function insertStepEffect(
  tx: Transaction<Tables>,
  run: { readonly runId: string; readonly ownerId: string },
  position: number,
): Promise<void> {
  await tx
    .insertInto('effects')
    .values({
      id: sql<string>`gen_random_uuid()`,
      owner_id: run.ownerId,
      workflow_run_id: run.runId,
      kind: 'workflow_step',
      key: workflowStepEffectKey(run.runId, position),
      payload: jsonText({ position }),
      state: 'waiting',
      deadline_at: secondsFromNow(deadlineSeconds.beginningStep),
    })
    .execute();
}

/** The run's first step, or a later one, begins; said once. */
export async function startStep(tx: Transaction<Tables>, run: OpenRun, step: CurrentStep): Promise<void> {
  if (step.state === 'running') return;
  const events: NewEvent[] = [{ type: 'step_started', data: { step: step.name, kind: step.kind } }];
  if (run.state === 'pending') {
    events.unshift({ type: 'workflow_started', data: { workflow: run.workflowName } });
    await tx
      .updateTable('workflow_runs')
      .set({ state: 'running', started_at: sql`now()` })
      .where('id', '=', run.runId)
      .execute();
  }
  await stepOf(tx, run, step)
    .set({ state: 'running', started_at: sql`now()` })
    .execute();
  await appendEvents(tx, run.runId, null, events);
}

/** Which task the step is about, known from now on. */
export async function bindTask(
  tx: Transaction<Tables>,
  run: OpenRun,
  step: CurrentStep,
  taskId: string,
): Promise<void> {
  if (step.taskId !== null) return;
  await stepOf(tx, run, step).set({ task_id: taskId }).execute();
  if (step.kind !== 'task') return;
  await appendEvents(tx, run.runId, null, [{ type: 'step_task_created', data: { step: step.name, taskId } }]);
}

/**
 * Ends the step that the run is at, and wants the next one to be begun; after the last step, or where this one did
 * not come to its end, it ends the run. The run is locked.
 */
export async function advanceRun(
  tx: Transaction<Tables>,
  run: OpenRun,
  step: CurrentStep,
  end: StepEnd,
): Promise<void> {
  await stepOf(tx, run, step)
    .set({
      state: end.kind,
      ended_at: sql`now()`,
      ...(end.kind === 'completed' ? { outputs: jsonText(end.outputs) } : {}),
      ...(end.kind === 'failed' ? { error: end.error } : {}),
    })
    .execute();
  await appendEvents(tx, run.runId, null, [stepEvent(step, end)]);
  if (end.kind === 'failed')
    return endRun(tx, run, { state: 'failed', failure: `${step.name}: ${end.error}` });
  if (end.kind === 'cancelled') return cancelRun(tx, run);
  const next = await tx
    .selectFrom('workflow_steps')
    .select('position')
    .where('run_id', '=', run.runId)
    .where('position', '=', step.position + 1)
    .executeTakeFirst();
  if (next === undefined) return endRun(tx, run, { state: 'completed', failure: null });
  // What was asked for while this step ran: the next one does not begin.
  if (run.isCancelling) return cancelRun(tx, run);
  return insertStepEffect(tx, run, next.position);
}

/** Ends a run in which no step is under way any more. */
export async function cancelRun(tx: Transaction<Tables>, run: OpenRun): Promise<void> {
  await endRun(tx, run, { state: 'cancelled', failure: null });
}

function stepEvent({ name: step }: CurrentStep, end: StepEnd): NewEvent {
  switch (end.kind) {
    case 'completed':
      return { type: 'step_completed', data: { step } };
    case 'failed':
      return { type: 'step_failed', data: { step, error: end.error } };
    case 'cancelled':
      return { type: 'step_cancelled', data: { step } };
  }
}

type RunEnd =
  | { readonly state: 'completed' | 'cancelled'; readonly failure: null }
  | { readonly state: 'failed'; readonly failure: string };

async function endRun(tx: Transaction<Tables>, run: OpenRun, end: RunEnd): Promise<void> {
  await tx
    .updateTable('workflow_steps')
    .set({ state: 'skipped' })
    .where('run_id', '=', run.runId)
    .where('state', '=', 'pending')
    .execute();
  await tx
    .updateTable('effects')
    .set({ state: 'dropped', ended_at: sql`now()`, deadline_at: null })
    .where('workflow_run_id', '=', run.runId)
    .where('state', '=', 'waiting')
    .execute();
  await tx
    .updateTable('workflow_runs')
    .set({
      ...end,
      started_at: sql`coalesce(started_at, now())`,
      ended_at: sql`now()`,
      deadline_at: null,
      secret_id: null,
    })
    .where('id', '=', run.runId)
    .execute();
  // Nobody needs the plan any more, and there are secrets in it.
  await tx.deleteFrom('secrets').where('id', '=', run.planId).execute();
  await appendEvents(tx, run.runId, null, [runEvent(end)]);
}

function runEvent(end: RunEnd): NewEvent {
  if (end.state === 'failed') return { type: 'workflow_failed', data: { error: end.failure } };
  return { type: end.state === 'completed' ? 'workflow_completed' : 'workflow_cancelled', data: {} };
}

function stepOf(tx: Transaction<Tables>, run: OpenRun, step: CurrentStep) {
  return tx
    .updateTable('workflow_steps')
    .where('run_id', '=', run.runId)
    .where('position', '=', step.position);
}
