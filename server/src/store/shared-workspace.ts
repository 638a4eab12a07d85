import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { TaskReference } from './tasks.ts';

/** A task, and its workspace where another task can go on in it. */
export type SharedWorkspace =
  | { readonly kind: 'task'; readonly taskId: string; readonly workspaceId: string | undefined }
  /** There is no such task. */
  | { readonly kind: 'unknown' }
  /** It is somebody else's, or about another repository. */
  | { readonly kind: 'foreign' };

/**
 * The workspace of a task, by its id or number, for another task of this owner in this repository. It can be gone on
 * in when it was begun and has not expired. That of a pull request's review is laid out anew with every look, so
 * nobody's work lives in it.
 */
export async function findSharedWorkspace(
  database: Database,
  wanted: { readonly task: TaskReference; readonly ownerId: string; readonly repositoryId: string },
): Promise<SharedWorkspace> {
  const { task, ownerId, repositoryId } = wanted;
  const row = await database.kysely
    .selectFrom('tasks')
    .innerJoin('workspaces', 'workspaces.id', 'tasks.workspace_id')
    .select([
      'tasks.id as taskId',
      'tasks.owner_id as ownerId',
      'tasks.repository_id as repositoryId',
      'workspaces.id as workspaceId',
      sql<boolean>`workspaces.base_commit is not null and tasks.kind <> 'pr_review'
        and coalesce(workspaces.expires_at > now(), true)`.as('isThere'),
    ])
    .where((where) =>
      'id' in task ? where('tasks.id', '=', task.id) : where('tasks.number', '=', task.number),
    )
    .executeTakeFirst();
  if (row === undefined) return { kind: 'unknown' };
  if (row.ownerId !== ownerId || row.repositoryId !== repositoryId) return { kind: 'foreign' };
  return { kind: 'task', taskId: row.taskId, workspaceId: row.isThere ? row.workspaceId : undefined };
}
