import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import type { StepOutputs } from '../../../src/domain/workflow.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import { leaseEffect, type EffectOf } from '../../../src/store/effects.ts';
import { ensureWorker } from '../../../src/store/owners.ts';
import { beginStep, settleStep, type StepSettlement } from '../../../src/store/workflow-steps.ts';
import type { TestApi } from './test-api.ts';

type StepEffect = EffectOf<'workflow_step'>;

/** Moves workflow runs as the outbox does, by the store's own statements, without doing what their steps say. */
export type WorkflowDriver = {
  /** Begins the step that waits first. */
  readonly begin: () => Promise<StepEffect>;
  /** Says what became of it. */
  readonly settle: (effect: StepEffect, settlement: StepSettlement) => Promise<void>;
  /** Both, for a step that is done at once. */
  readonly complete: (outputs: StepOutputs) => Promise<void>;
};

export async function driveWorkflows({ database, wakeups }: TestApi): Promise<WorkflowDriver> {
  const workerId = systemIds.random();
  await ensureWorker(database, { id: workerId, host: hostname(), version: 'test' });
  const begin = async (): Promise<StepEffect> => {
    const effect = await leaseEffect(database, workerId, { kinds: ['workflow_step'] });
    assert.ok(effect?.kind === 'workflow_step', 'no step waits');
    assert.ok(await beginStep(database, effect), 'the step is not wanted any more');
    wakeups.wake('stream', effect.workflowRunId);
    return effect;
  };
  const settle = async (effect: StepEffect, settlement: StepSettlement): Promise<void> => {
    assert.ok(await settleStep(database, effect, settlement), 'the lease was lost');
    wakeups.wake('stream', effect.workflowRunId);
  };
  return {
    begin,
    settle,
    complete: async (outputs) => settle(await begin(), { kind: 'completed', outputs }),
  };
}
