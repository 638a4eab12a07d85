import { Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import type { Database } from '../store/database.ts';
import { deleteKey } from '../store/keys.ts';
import type { Viewer } from '../store/tasks.ts';

/**
 * Deletes a key of the viewer's, and its token. Tasks that name it fail when they need it next.
 *
 * @throws Refusal `not_found`
 */
export function createDeleteKeyService({ database }: { readonly database: Database }) {
  return async (viewer: Viewer, name: string): Promise<void> => {
    const isGone = isName(name) && (await deleteKey(database, viewer.userId, name));
    if (!isGone) throw new Refusal('not_found', 'key not found');
  };
}
