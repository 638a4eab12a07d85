import { sql } from 'kysely';
import type { WorkflowDefinition, WorkflowParameter, WorkflowStep } from '../domain/workflow.ts';
import { jsonText } from './append-events.ts';
import type { SealedSecret } from './create-task.ts';
import type { Database } from './database.ts';
import { deleteWithSecret, insertWithSecret, sealedColumns } from './secrets.ts';

/** A workflow as lists show it: what its steps do is left out. */
export type WorkflowRow = {
  readonly name: string;
  readonly description: string;
  readonly steps: readonly Pick<WorkflowStep, 'name' | 'type'>[];
  readonly parameters: readonly Pick<WorkflowParameter, 'name' | 'required'>[];
  readonly createdAt: Date;
};

/** One workflow, with secret values masked. */
export type StoredWorkflow = { readonly shown: WorkflowDefinition; readonly createdAt: Date };

export type NewWorkflow = {
  readonly id: string;
  readonly ownerId: string;
  /** With secret values masked. */
  readonly shown: WorkflowDefinition;
  /** The whole `WorkflowDefinition` as JSON. */
  readonly secret: SealedSecret;
};

/*
 * Workflows are their owner's alone, as keys are: names are unique for an owner, so an administrator who saw
 * everybody's would not know whose workflow a name is.
 */

/** Stores a workflow. False: the owner has one of this name. */
export async function insertWorkflow(database: Database, workflow: NewWorkflow): Promise<boolean> {
  return insertWithSecret(database, workflow, (tx) =>
    tx
      .insertInto('workflows')
      .values({
        id: workflow.id,
        owner_id: workflow.ownerId,
        name: workflow.shown.name,
        shown: jsonText(workflow.shown),
        secret_id: workflow.secret.id,
      })
      .onConflict((conflict) => conflict.columns(['owner_id', 'name']).doNothing())
      .executeTakeFirst(),
  );
}

/** All workflows of an owner, by name. A definition may have half a megabyte: only its outline is read. */
export async function listWorkflows(database: Database, ownerId: string): Promise<readonly WorkflowRow[]> {
  return database.kysely
    .selectFrom('workflows')
    .select([
      'name',
      sql<string>`shown ->> 'description'`.as('description'),
      sql<WorkflowRow['steps']>`array(
        select jsonb_build_object('name', step -> 'name', 'type', step -> 'type')
        from jsonb_array_elements(shown -> 'steps') with ordinality as steps (step, place) order by place)`.as(
        'steps',
      ),
      sql<WorkflowRow['parameters']>`array(
        select jsonb_build_object('name', parameter -> 'name', 'required', parameter -> 'required')
        from jsonb_array_elements(shown -> 'parameters') with ordinality as parameters (parameter, place)
        order by place)`.as('parameters'),
      'created_at as createdAt',
    ])
    .where('owner_id', '=', ownerId)
    .orderBy('name')
    .execute();
}

/** One workflow of an owner as it is shown; undefined where there is none. */
export async function findWorkflow(
  database: Database,
  ownerId: string,
  name: string,
): Promise<StoredWorkflow | undefined> {
  return database.kysely
    .selectFrom('workflows')
    .select(['shown', 'created_at as createdAt'])
    .where('owner_id', '=', ownerId)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** The whole of a workflow, sealed. */
export async function findSealedWorkflow(
  database: Database,
  ownerId: string,
  name: string,
): Promise<SealedSecret | undefined> {
  return database.kysely
    .selectFrom('workflows')
    .innerJoin('secrets', 'secrets.id', 'workflows.secret_id')
    .select(sealedColumns)
    .where('workflows.owner_id', '=', ownerId)
    .where('workflows.name', '=', name)
    .executeTakeFirst();
}

/** Deletes a workflow; its runs have copies of their own. False: the owner has none of this name. */
export async function deleteWorkflow(database: Database, ownerId: string, name: string): Promise<boolean> {
  return deleteWithSecret(database, (tx) =>
    tx
      .deleteFrom('workflows')
      .where('owner_id', '=', ownerId)
      .where('name', '=', name)
      .returning('secret_id')
      .executeTakeFirst(),
  );
}
