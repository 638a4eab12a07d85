import { Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import { builtInTool } from '../domain/tool-catalog.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { deleteTool } from '../store/tools.ts';

/**
 * Deletes a registered tool. Tasks that were given it keep what they were given.
 *
 * @throws Refusal `forbidden`, `not_found`; `invalid` for a built-in one.
 */
export function createDeleteToolService({ database }: { readonly database: Database }) {
  return async (viewer: Viewer, name: string): Promise<void> => {
    if (!viewer.isAdmin) throw new Refusal('forbidden', 'tools are deleted by administrators');
    if (builtInTool(name) !== undefined) throw new Refusal('invalid', 'built-in tools cannot be deleted');
    const isGone = isName(name) && (await deleteTool(database, name));
    if (!isGone) throw new Refusal('not_found', 'tool not found');
  };
}
