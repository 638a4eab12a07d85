import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyAbility } from '../../src/domain/ability.ts';
import type { WorkflowPlan, WorkflowStep } from '../../src/domain/workflow.ts';
import { createWorkflowStepHandler, type WorkflowStepDeps } from '../../src/effects/workflow-step.ts';
import { createStepTask } from '../../src/effects/workflow-task.ts';
import { createFaults } from '../../src/lib/faults.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createKeyRing } from '../../src/secrets/key-ring.ts';
import type { Actor } from '../../src/services/require-ability.ts';
import { leaseEffect } from '../../src/store/effects.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import { insertWorkflowRun } from '../../src/store/workflow-runs.ts';
import { claimNext, setStage, storeTask, type Stage } from '../support/stored-tasks.ts';

test('a run whose steps leave more than any step can be given fails', async (t) => {
  const stage = await setStage(t);
  const { database, workerId } = stage;
  const config = { url: 'https://example.com/' };
  const steps = Array.from({ length: 10 }, (_none, n) => ({ name: `s${n}`, type: 'fetch' as const, config }));
  const { runId, deps } = await storeRun(stage, steps);
  const handle = createWorkflowStepHandler({ ...deps, fetch: async () => ({ text: 'x'.repeat(1_000_000) }) });
  let begun = 0;
  for (;;) {
    const effect = await leaseEffect(database, workerId, { kinds: ['workflow_step'] });
    if (effect?.kind !== 'workflow_step') break;
    await handle(effect, AbortSignal.timeout(10_000));
    begun += 1;
  }
  assert.equal(begun, 9);
  const run = await database.kysely
    .selectFrom('workflow_runs')
    .select('failure')
    .where('id', '=', runId)
    .executeTakeFirst();
  assert.equal(run?.failure, 's8: all that the steps of this run leave is longer than 8 MB');
});

test('workers are told of a task once its step lets go of its row', async (t) => {
  const stage = await setStage(t);
  const { database, workerId } = stage;
  const config = { repo_url: 'https://example.com/a', prompt: 'x' };
  const { deps } = await storeRun(stage, [{ name: 'work', type: 'task', config }]);
  const { taskId, runId } = await storeTask(stage);
  const handle = createWorkflowStepHandler({ ...deps, createTask: async () => taskId });
  const effect = await leaseEffect(database, workerId, { kinds: ['workflow_step'] });
  assert.ok(effect?.kind === 'workflow_step');
  const claims: Promise<string | undefined>[] = [];
  deps.wakeups.listen(({ topic }) => {
    if (topic === 'run') claims.push(claimNext(stage).then((claimed) => claimed?.runId));
  });
  await handle(effect, AbortSignal.timeout(10_000));
  assert.deepEqual(await Promise.all(claims), [runId]);
});

test("a step has its owner's rights, and a member's where no administrator began the run", async (t) => {
  const stage = await setStage(t);
  const { database, workerId } = stage;
  const config = { repo_url: 'https://example.com/a', prompt: 'x' };
  const actors: Actor[] = [];
  for (const more of [{}, { byAdministrator: true }, { byAdministrator: false }]) {
    const { deps } = await storeRun(stage, [{ name: 'work', type: 'task', config }], more);
    const createTask = createStepTask({
      database,
      keyRing: createKeyRing([new Secret('0123456789abcdef')]),
      findTool: async () => undefined,
      async createTask(actor) {
        actors.push(actor);
        return { id: (await storeTask(stage)).taskId, createdAt: new Date() };
      },
    });
    const effect = await leaseEffect(database, workerId, { kinds: ['workflow_step'] });
    assert.ok(effect?.kind === 'workflow_step');
    await createWorkflowStepHandler({ ...deps, createTask })(effect, AbortSignal.timeout(10_000));
  }
  const owner = { userId: stage.ownerId, abilities: everyAbility };
  assert.deepEqual(actors, [
    { ...owner, isAdmin: true },
    { ...owner, isAdmin: true },
    { ...owner, isAdmin: false },
  ]);
});

/** A run of a workflow with these steps, and what the handler of its steps needs. */
async function storeRun(
  { database, ownerId }: Stage,
  steps: readonly WorkflowStep[],
  more: Pick<WorkflowPlan, 'byAdministrator'> = {},
): Promise<{ readonly runId: string; readonly deps: WorkflowStepDeps }> {
  const plan = { definition: { name: 'mend', description: '', steps, parameters: [] }, params: {}, ...more };
  const bytes = Buffer.from('sealed');
  const runId = systemIds.ordered();
  await insertWorkflowRun(database, {
    runId,
    ownerId,
    workflowName: 'mend',
    params: {},
    plan: { id: systemIds.ordered(), keyId: 'key', nonce: bytes, ciphertext: bytes },
    steps: steps.map(({ name, type: kind }) => ({ name, kind })),
    traceId: 'trace',
    idempotency: null,
  });
  const unwanted = async (): Promise<never> => assert.fail('nobody wants that');
  const deps: WorkflowStepDeps = {
    database,
    wakeups: createWakeups(database, 'test', silentLogger),
    faults: createFaults(undefined),
    openSecret: async () => new Secret(JSON.stringify(plan)),
    repoApi: () => undefined,
    fetch: unwanted,
    createTask: unwanted,
    publish: unwanted,
    stopTask: unwanted,
  };
  return { runId, deps };
}
