import { Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import type { WorkflowDefinition } from '../domain/workflow.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { findWorkflow } from '../store/workflows.ts';
import { shownDefinition } from '../workflows/shown-definition.ts';
import { findBuiltIn } from './find-definition.ts';

/** A workflow with its secret values masked. `createdAt` undefined: it is built in. */
export type ShownWorkflow = { readonly shown: WorkflowDefinition; readonly createdAt: Date | undefined };

/**
 * One workflow, whole: a built-in one or the viewer's own.
 *
 * @throws Refusal `not_found`
 */
export function createShowWorkflowService({ database }: { readonly database: Database }) {
  return async (viewer: Viewer, name: string): Promise<ShownWorkflow> => {
    const builtIn = findBuiltIn(name);
    if (builtIn !== undefined) return { shown: shownDefinition(builtIn), createdAt: undefined };
    const found = isName(name) ? await findWorkflow(database, viewer.userId, name) : undefined;
    if (found === undefined) throw new Refusal('not_found', 'workflow not found');
    return found;
  };
}
