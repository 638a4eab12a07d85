import { Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { isName } from '../domain/key.ts';
import type { WorkflowDefinition, WorkflowPlan } from '../domain/workflow.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import { objectOf } from '../lib/json-fields.ts';
import { Secret } from '../lib/secret.ts';
import type { TracePlace } from '../lib/traceparent.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { SealedSecret } from '../store/create-task.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { findKeptRun, insertWorkflowRun, type StartedRun } from '../store/workflow-runs.ts';
import { readParams } from '../workflows/params.ts';
import { writesToForge } from '../workflows/writes-to-forge.ts';
import { findBuiltIn, openDefinition } from './find-definition.ts';
import { bodyHashOf, idempotencyMismatch } from './idempotency.ts';
import { requireAbility, type Actor } from './require-ability.ts';
import { spendTask } from './spend-task.ts';

export type { StartedRun } from '../store/workflow-runs.ts';

/** A workflow's run as somebody wants it. */
export type WorkflowOrder = {
  readonly name: string;
  /** What was sent as the parameters. */
  readonly params: unknown;
  readonly idempotencyKey: string | undefined;
  /** Identifies who is counted against the rate limit of tasks: each run is one of the minute's. */
  readonly rateLimitKey: string;
  /** The request's place in a trace: the run goes on with it. */
  readonly trace: TracePlace | undefined;
};

export type RunWorkflowDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly keyRing: KeyRing;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  /** 0: no limit. */
  readonly tasksPerMinute: number;
};

/**
 * Starts a run: stores it with a sealed copy of its workflow, so that it goes on whatever becomes of that, and wakes
 * who begins its first step. With an idempotency key the same order gives the same run however often it is sent.
 *
 * @throws Refusal `not_found`, `forbidden` where it writes to a forge, `invalid`, `rate_limited`, or
 * `idempotency_mismatch` when the key was used for another order.
 */
export function createRunWorkflowService(deps: RunWorkflowDeps) {
  const { database, ids } = deps;
  return async (actor: Actor, order: WorkflowOrder): Promise<StartedRun> => {
    const { idempotencyKey: key } = order;
    const idempotency =
      key === undefined ? null : { key, bodyHash: bodyHashOf(order.name, sorted(order.params)) };
    const kept = idempotency && (await findKeptRun(database, actor.userId, idempotency));
    if (kept) return sameRun(kept);
    const definition = await definitionOf(deps, actor, order.name);
    if (writesToForge(definition)) requireAbility(actor, 'git:push');
    const given = readParams(definition, order.params);
    if ('problem' in given) throw invalidParams(given);
    await spendTask(database, deps.tasksPerMinute, order.rateLimitKey);
    const answer = await insertWorkflowRun(database, {
      runId: ids.ordered(),
      ownerId: actor.userId,
      workflowName: definition.name,
      params: given.shown,
      plan: sealPlan(deps, { definition, params: given.params, byAdministrator: actor.isAdmin }),
      steps: definition.steps.map(({ name, type: kind }) => ({ name, kind })),
      traceId: order.trace?.traceId ?? ids.random().replaceAll('-', ''),
      idempotency,
    });
    if (answer.kind === 'kept') return sameRun(answer);
    deps.faults.reach('workflow.stored');
    deps.wakeups.wake('effect', answer.runId);
    return answer;
  };
}

/** Parameters are the same in any order. */
function sorted(params: unknown): unknown {
  const given = objectOf(params ?? {});
  return given === undefined
    ? params
    : Object.keys(given)
        .toSorted()
        .map((name) => [name, given[name]]);
}

function sameRun(kept: StartedRun & { readonly isSame: boolean }): StartedRun {
  if (!kept.isSame) throw idempotencyMismatch();
  return kept;
}

async function definitionOf(
  deps: RunWorkflowDeps,
  viewer: Viewer,
  name: string,
): Promise<WorkflowDefinition> {
  const found = findBuiltIn(name) ?? (isName(name) ? await openDefinition(deps, viewer, name) : undefined);
  if (found === undefined) throw new Refusal('not_found', 'workflow not found');
  return found;
}

function invalidParams({
  problem,
  fields,
}: {
  readonly problem: string;
  readonly fields?: Readonly<Record<string, string>>;
}): Refusal {
  return new Refusal('invalid', problem, fields === undefined ? {} : { fields });
}

function sealPlan({ ids, keyRing }: RunWorkflowDeps, plan: WorkflowPlan): SealedSecret {
  const id = ids.ordered();
  return { id, ...keyRing.seal(id, new Secret(JSON.stringify(plan))) };
}
