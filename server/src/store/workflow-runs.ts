import { deadlineSeconds } from '../domain/deadlines.ts';
import type { WorkflowParams, WorkflowRunState, WorkflowStepKind } from '../domain/workflow.ts';
import { jsonText } from './append-events.ts';
import type { SealedSecret } from './create-task.ts';
import type { Database } from './database.ts';
import { falseWhenMoved, rollBack, secondsFromNow } from './move-run.ts';
import { insertSecret } from './secrets.ts';
import { insertStepEffect } from './workflow-advance.ts';

export type NewWorkflowRun = {
  readonly runId: string;
  readonly ownerId: string;
  readonly workflowName: string;
  /** With sensitive values masked. */
  readonly params: WorkflowParams;
  /** The `WorkflowPlan` as JSON. */
  readonly plan: SealedSecret;
  readonly steps: readonly { readonly name: string; readonly kind: WorkflowStepKind }[];
  readonly traceId: string;
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
};

export type StartedRun = {
  readonly runId: string;
  readonly workflowName: string;
  readonly state: WorkflowRunState;
  readonly createdAt: Date;
};

/** `kept`: what the first request with this key has started, and whether it asked for the same. */
export type InsertedRun =
  | ({ readonly kind: 'created' } & StartedRun)
  | ({ readonly kind: 'kept'; readonly isSame: boolean } & StartedRun);

/** Stores a run with its steps, its log and the effect that begins the first step, all in one transaction. */
export async function insertWorkflowRun(database: Database, run: NewWorkflowRun): Promise<InsertedRun> {
  const createdAt = await database
    .transaction(async (tx) => {
      const { plan, idempotency } = run;
      await insertSecret(tx, run.ownerId, plan);
      const row = await tx
        .insertInto('workflow_runs')
        .values({
          id: run.runId,
          owner_id: run.ownerId,
          workflow_name: run.workflowName,
          params: jsonText(run.params),
          secret_id: plan.id,
          state: 'pending',
          trace_id: run.traceId,
          idempotency_key: idempotency?.key ?? null,
          body_hash: idempotency?.bodyHash ?? null,
          deadline_at: secondsFromNow(deadlineSeconds.workflowRun),
        })
        .onConflict((conflict) => conflict.columns(['owner_id', 'idempotency_key']).doNothing())
        .returning('created_at')
        .executeTakeFirst();
      if (row === undefined) return rollBack();
      await tx
        .insertInto('workflow_steps')
        .values(
          run.steps.map(({ name, kind }, position) => ({
            run_id: run.runId,
            position,
            name,
            kind,
            state: 'pending' as const,
          })),
        )
        .execute();
      await tx.insertInto('streams').values({ id: run.runId }).execute();
      await insertStepEffect(tx, run, 0);
      return row.created_at;
    })
    .catch(falseWhenMoved);
  if (createdAt !== false) {
    return { kind: 'created', runId: run.runId, workflowName: run.workflowName, state: 'pending', createdAt };
  }
  const kept = run.idempotency && (await findKeptRun(database, run.ownerId, run.idempotency));
  if (!kept) throw new Error('a workflow run was refused without another one with its key');
  return { kind: 'kept', ...kept };
}

/** What an idempotency key of this owner stands for; `isSame`: it was asked for the same. */
export async function findKeptRun(
  database: Database,
  ownerId: string,
  idempotency: NonNullable<NewWorkflowRun['idempotency']>,
): Promise<(StartedRun & { readonly isSame: boolean }) | undefined> {
  const row = await database.kysely
    .selectFrom('workflow_runs')
    .select(['id as runId', 'workflow_name as workflowName', 'state', 'created_at as createdAt', 'body_hash'])
    .where('owner_id', '=', ownerId)
    .where('idempotency_key', '=', idempotency.key)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { body_hash: bodyHash, ...kept } = row;
  return { isSame: bodyHash === idempotency.bodyHash, ...kept };
}
