import type { Database } from './database.ts';
import type { StoredBlob } from './blob-folder.ts';

/** A workspace whose tree may hold work that is nowhere else. */
export type Leftover = {
  readonly ownerId: string;
  readonly workspaceNumber: number;
  readonly baseCommit: string;
  /** Of the run that was there last. */
  readonly taskId: string;
  readonly prompt: string;
};

/** What is needed to bundle what the last run in a workspace has left. Undefined: none has begun there. */
export async function readLeftover(database: Database, workspaceId: string): Promise<Leftover | undefined> {
  const row = await database.kysely
    .selectFrom('workspaces')
    .innerJoin('runs', 'runs.workspace_id', 'workspaces.id')
    .select([
      'workspaces.owner_id as ownerId',
      'workspaces.number as workspaceNumber',
      'workspaces.base_commit as baseCommit',
      'runs.task_id as taskId',
      'runs.prompt',
    ])
    .where('workspaces.id', '=', workspaceId)
    .orderBy('runs.number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined || row.baseCommit === null) return undefined;
  return { ...row, baseCommit: row.baseCommit };
}

/** The bundle of it; one that was kept before is not needed any more, and its file goes with its row. */
export async function keepLeftoverBlob(
  database: Database,
  kept: { readonly workspaceId: string; readonly ownerId: string; readonly blob: StoredBlob },
): Promise<void> {
  const { workspaceId, ownerId, blob } = kept;
  await database.transaction(async (tx) => {
    const before = await tx
      .selectFrom('workspaces')
      .select('leftover_blob_id')
      .where('id', '=', workspaceId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    await tx
      .insertInto('blobs')
      .values({ ...blob, owner_id: ownerId, kind: 'bundle' })
      .execute();
    await tx
      .updateTable('workspaces')
      .set({ leftover_blob_id: blob.id })
      .where('id', '=', workspaceId)
      .execute();
    if (before.leftover_blob_id === null) return;
    await tx.deleteFrom('blobs').where('id', '=', before.leftover_blob_id).execute();
  });
}
