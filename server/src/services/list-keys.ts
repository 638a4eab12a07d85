import type { Database } from '../store/database.ts';
import { listKeys, type KeyRow } from '../store/keys.ts';
import type { Viewer } from '../store/tasks.ts';

export type { KeyRow } from '../store/keys.ts';

/** The viewer's own keys, by name; an administrator's too are only their own. */
export function createListKeysService({ database }: { readonly database: Database }) {
  return (viewer: Viewer): Promise<readonly KeyRow[]> => listKeys(database, viewer.userId);
}
