import type { FaultPoint } from '../domain/fault-points.ts';
import { Refusal } from '../domain/errors.ts';
import type { StepOutputs, WorkflowPlan } from '../domain/workflow.ts';
import type { Faults } from '../lib/faults.ts';
import { Secret } from '../lib/secret.ts';
import { createRedactor, type Redactor } from '../secrets/redact.ts';
import type { StopTask } from '../services/cancel-task.ts';
import type { Database } from '../store/database.ts';
import { withPatience } from '../store/patience.ts';
import type { Wakeups } from '../store/wakeups.ts';
import {
  beginStep,
  nameStepTask,
  settleStep,
  type BegunStep,
  type StepSettlement,
} from '../store/workflow-steps.ts';
import { renderStep } from '../workflows/render-step.ts';
import { StepFailure } from '../workflows/step-failure.ts';
import type { FetchOrder, PullRequestOrder, TaskOrder } from '../workflows/step-order.ts';
import type { EffectOf } from '../store/effects.ts';
import type { EffectHandler } from './outbox.ts';

/** The step that something is done for. The effect's id is the same however often that is repeated. */
export type StepAbout = Pick<BegunStep, 'runId' | 'ownerId' | 'position' | 'tasks'> & {
  /** What is done for an owner who is one, with their rights; else with a member's. */
  readonly mayBeAdministrator: boolean;
  readonly effectId: string;
  readonly traceId: string;
};

export type WorkflowStepDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly faults: Faults<FaultPoint>;
  readonly openSecret: (id: string) => Promise<Secret>;
  /** The base of the API of the forge that a repository lies on; undefined: it is on none that is known. */
  readonly repoApi: (repositoryUrl: string) => string | undefined;
  /** Makes a request. Throws StepFailure. */
  readonly fetch: (order: FetchOrder, about: StepAbout, signal: AbortSignal) => Promise<StepOutputs>;
  /** Creates the task of a step, once however often it is called; gives its id. Throws StepFailure or Refusal. */
  readonly createTask: (order: TaskOrder, about: StepAbout) => Promise<string>;
  /** Has a task published, once however often it is called. Throws StepFailure or Refusal. */
  readonly publish: (
    order: PullRequestOrder,
    about: StepAbout & { readonly taskId: string },
    signal: AbortSignal,
  ) => Promise<void>;
  readonly stopTask: StopTask;
};

/**
 * Begins a step of a workflow run. A request is made here, and ends the step; a task and a publication are only
 * wanted here, under keys of their own, and their own end ends the step. Killed at any moment it is begun again by
 * whoever leases the effect next.
 */
export function createWorkflowStepHandler(deps: WorkflowStepDeps): EffectHandler<'workflow_step'> {
  const { database, wakeups, faults } = deps;
  return async (effect, signal) => {
    const step = await withPatience(signal, () => beginStep(database, effect));
    if (step === undefined) return;
    faults.reach('step.begun');
    wakeups.wake('stream', step.runId);
    const settlement = await settlementOf(deps, effect, step, signal);
    const settled = await withPatience(signal, () => settleStep(database, effect, settlement));
    faults.reach('step.settled');
    // Settling held the task's row for a moment, and a worker that was woken by its creation has passed it over.
    if (settlement.kind === 'begun') wakeups.wake('run', settlement.taskId);
    if (settled === false) return;
    if (settled.stop !== undefined) await deps.stopTask(settled.stop);
  };
}

/** What cannot be done is the step's end; what may pass is thrown, and tried again. */
async function settlementOf(
  deps: WorkflowStepDeps,
  effect: EffectOf<'workflow_step'>,
  step: BegunStep,
  signal: AbortSignal,
): Promise<StepSettlement> {
  using stop = stopOnCancel(deps.wakeups, step.runId, signal);
  const plan = JSON.parse((await deps.openSecret(step.planId)).reveal()) as WorkflowPlan;
  try {
    const { effectId, traceId } = effect;
    const mayBeAdministrator = plan.byAdministrator !== false;
    const begun = { ...step, effectId, traceId, plan, mayBeAdministrator };
    return await perform(deps, effect, begun, stop.signal);
  } catch (error) {
    const isFinal = error instanceof StepFailure || (error instanceof Refusal && !mayPass(error));
    // Whoever was asked can repeat what it was given.
    if (isFinal) return { kind: 'failed', error: redactorOf(plan).text(error.message) };
    if (stop.signal.aborted && !signal.aborted) return { kind: 'failed', error: 'canceled by user' };
    throw error;
  }
}

function redactorOf({ definition, params }: WorkflowPlan): Redactor {
  const sensitive = definition.parameters.filter((parameter) => parameter.sensitive === true);
  return createRedactor(sensitive.map(({ name }) => new Secret(params[name] ?? '')));
}

function mayPass({ code }: Refusal): boolean {
  return code === 'unavailable' || code === 'upstream_failed';
}

async function perform(
  deps: WorkflowStepDeps,
  effect: EffectOf<'workflow_step'>,
  step: BegunStep & StepAbout & { readonly plan: WorkflowPlan },
  signal: AbortSignal,
): Promise<StepSettlement> {
  const order = renderStep(step.plan, step.position, { steps: step.outputs, repoApi: deps.repoApi });
  switch (order.kind) {
    case 'fetch': {
      const outputs = await deps.fetch(order, step, signal);
      deps.faults.reach('step.fetched');
      demandRoom(step.outputs, outputs);
      return { kind: 'completed', outputs };
    }
    case 'task': {
      const taskId = await deps.createTask(order, step);
      deps.faults.reach('step.created');
      return { kind: 'begun', taskId };
    }
    case 'action': {
      const taskId = step.tasks.get(order.taskStep);
      if (taskId === undefined) throw new StepFailure(`the step ${order.taskStep} has no task`);
      // First said and then done: the end of what is done has to find the step.
      if (await nameStepTask(deps.database, effect, taskId)) {
        await deps.publish(order, { ...step, taskId }, signal);
        deps.faults.reach('step.published');
      }
      return { kind: 'begun', taskId };
    }
  }
}

/** All that the steps of a run leave, in characters: each step that begins has the whole of it in memory. */
const leftMaxCharacters = 8 * 1_048_576;

function demandRoom(earlier: ReadonlyMap<string, StepOutputs>, outputs: StepOutputs): void {
  const left = [...earlier.values(), outputs];
  const characters = left.reduce((sum, one) => sum + JSON.stringify(one).length, 0);
  if (characters > leftMaxCharacters) {
    throw new StepFailure('all that the steps of this run leave is longer than 8 MB');
  }
}

/** Aborted when somebody cancels the run too; a cancel that is not heard of waits for the request's own limit. */
function stopOnCancel(
  wakeups: Pick<Wakeups, 'listen'>,
  runId: string,
  signal: AbortSignal,
): Disposable & { readonly signal: AbortSignal } {
  const cancelled = new AbortController();
  const unlisten = wakeups.listen(({ topic, id }) => {
    if (topic === 'cancel' && id === runId) cancelled.abort(new Error('the workflow run was cancelled'));
  });
  return { signal: AbortSignal.any([signal, cancelled.signal]), [Symbol.dispose]: unlisten };
}
