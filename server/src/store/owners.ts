import { sql } from 'kysely';
import type { Ids } from '../lib/ids.ts';
import type { Database } from './database.ts';

/** The first administrator: the static token is theirs. Made at the first start. */
export async function ensureAdministrator(database: Database, ids: Ids): Promise<string> {
  await database.kysely
    .insertInto('users')
    .values({ id: ids.ordered(), login: 'admin', role: 'admin' })
    .onConflict((conflict) => conflict.column('login').doNothing())
    .execute();
  const row = await database.kysely
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .orderBy('number')
    .executeTakeFirstOrThrow();
  return row.id;
}

/** The row of a repository, by its canonical URL; made when it is seen first. */
export async function ensureRepository(database: Database, ids: Ids, canonicalUrl: string): Promise<string> {
  const known = await findRepository(database, canonicalUrl);
  if (known !== undefined) return known;
  await database.kysely
    .insertInto('repositories')
    .values({ id: ids.ordered(), canonical_url: canonicalUrl })
    .onConflict((conflict) => conflict.column('canonical_url').doNothing())
    .execute();
  const made = await findRepository(database, canonicalUrl);
  if (made === undefined) throw new Error('a repository row vanished while it was made');
  return made;
}

/** The row of a repository, by its canonical URL; undefined: it was never seen. */
export async function findRepository(database: Database, canonicalUrl: string): Promise<string | undefined> {
  const row = await database.kysely
    .selectFrom('repositories')
    .select('id')
    .where('canonical_url', '=', canonicalUrl)
    .executeTakeFirst();
  return row?.id;
}

/**
 * The row of a worker: a data folder that a process works in, and where on its host the workspaces lie. Those of
 * another folder than before are not its own any more; their work is kept as bundles.
 */
export async function ensureWorker(
  database: Database,
  worker: {
    readonly id: string;
    readonly host: string;
    readonly version: string;
    readonly workspacesFolder?: string;
  },
): Promise<void> {
  const { id, workspacesFolder = null, ...about } = worker;
  const known = { ...about, workspaces_folder: workspacesFolder };
  await database.transaction(async (tx) => {
    const before = await tx
      .selectFrom('workers')
      .select('workspaces_folder as folder')
      .where('id', '=', id)
      .executeTakeFirst();
    await tx
      .insertInto('workers')
      .values({ id, ...known })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(known))
      .execute();
    // An older one has not said where they lie.
    if (!before?.folder || before.folder === workspacesFolder) return;
    await tx
      .updateTable('workspaces')
      .set({ worker_id: null, disk_bytes: null, measured_at: sql`now()` })
      .where('worker_id', '=', id)
      .execute();
  });
}

/** Whether the user is one of the administrators; nobody's id is nobody. */
export async function isAdministrator(database: Database, userId: string): Promise<boolean> {
  const row = await database.kysely
    .selectFrom('users')
    .select('role')
    .where('id', '=', userId)
    .executeTakeFirst();
  return row?.role === 'admin';
}

/** A blob row for a file that is whole; output blobs, whose event comes after. May be repeated. */
export async function insertOutputBlob(
  database: Database,
  ownerId: string,
  blob: { readonly id: string; readonly sha256: string; readonly bytes: number },
): Promise<void> {
  await database.kysely
    .insertInto('blobs')
    .values({ ...blob, owner_id: ownerId, kind: 'output' })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}
