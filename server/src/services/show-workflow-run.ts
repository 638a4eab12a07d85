import { Refusal } from '../domain/errors.ts';
import { isUuid } from '../lib/ids.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import {
  findWorkflowRun,
  readWorkflowSteps,
  type WorkflowRun,
  type WorkflowStepRow,
} from '../store/workflow-list.ts';

export type { WorkflowRun, WorkflowStepRow } from '../store/workflow-list.ts';

export type ShowWorkflowRunDeps = { readonly database: Database };

/**
 * One workflow run.
 *
 * @throws Refusal `not_found` where there is no such run or it is none of the viewer's business, and for what
 * is no id: nobody learns which.
 */
export function createShowWorkflowRunService({ database }: ShowWorkflowRunDeps) {
  return (viewer: Viewer, id: string): Promise<WorkflowRun> => visibleRun(database, viewer, id);
}

/** The steps of a run that the caller has been shown, read after it: they are never older. */
export function createReadWorkflowStepsService({ database }: ShowWorkflowRunDeps) {
  return (runId: string): Promise<readonly WorkflowStepRow[]> => readWorkflowSteps(database, runId);
}

/** The run as every service here looks it up. */
export async function visibleRun(database: Database, viewer: Viewer, text: string): Promise<WorkflowRun> {
  const id = text.toLowerCase();
  const run = isUuid(id) ? await findWorkflowRun(database, viewer, id) : undefined;
  if (run === undefined) throw new Refusal('not_found', 'workflow run not found');
  return run;
}
