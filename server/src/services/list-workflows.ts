import type { WorkflowDefinition } from '../domain/workflow.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { listWorkflows, type WorkflowRow } from '../store/workflows.ts';
import { builtInWorkflows } from '../workflows/built-ins.ts';

/** A workflow as lists show it. `createdAt` undefined: it is built in. */
export type ListedWorkflow = Omit<WorkflowRow, 'createdAt'> & { readonly createdAt: Date | undefined };

/** The built-in workflows, then the viewer's own by name; an administrator's too are only their own. */
export function createListWorkflowsService({ database }: { readonly database: Database }) {
  return async (viewer: Viewer): Promise<readonly ListedWorkflow[]> => [
    ...builtInWorkflows.map(outlineOf),
    ...(await listWorkflows(database, viewer.userId)),
  ];
}

function outlineOf({ name, description, steps, parameters }: WorkflowDefinition): ListedWorkflow {
  return { name, description, steps, parameters, createdAt: undefined };
}
