import { Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { deleteWorkflow } from '../store/workflows.ts';
import { findBuiltIn } from './find-definition.ts';

/**
 * Deletes a workflow of the viewer's. Runs of it go on, and stay listed: each has its own copy.
 *
 * @throws Refusal `not_found`, or `conflict` for one that is built in.
 */
export function createDeleteWorkflowService({ database }: { readonly database: Database }) {
  return async (viewer: Viewer, name: string): Promise<void> => {
    if (findBuiltIn(name) !== undefined) {
      throw new Refusal('conflict', 'a built-in workflow cannot be deleted');
    }
    const isGone = isName(name) && (await deleteWorkflow(database, viewer.userId, name));
    if (!isGone) throw new Refusal('not_found', 'workflow not found');
  };
}
