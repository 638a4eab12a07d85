import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { TaskReference } from './tasks.ts';

/** A task, and its workspace where another task can go on in it. */
export type SharedWorkspace = { readonly taskId: string; readonly workspaceId: string | undefined };

/**
 * The task by its id or number, if it is this owner's and in this repository; undefined: there is none. Its
 * workspace can be gone on in when it was begun and has not expired. That of a pull request's review is laid out
 * anew with every look, so nobody's work lives in it.
 */
export async function findSharedWorkspace(
  database: Database,
  wanted: { readonly task: TaskReference; readonly ownerId: string; readonly repositoryId: string },
): Promise<SharedWorkspace | undefined> {
  const { task, ownerId, repositoryId } = wanted;
  const row = await database.kysely
    .selectFrom('tasks')
    .innerJoin('workspaces', 'workspaces.id', 'tasks.workspace_id')
    .select([
      'tasks.id as taskId',
      'workspaces.id as workspaceId',
      sql<boolean>`workspaces.base_commit is not null and tasks.kind <> 'pr_review'
        and coalesce(workspaces.expires_at > now(), true)`.as('isThere'),
    ])
    .where('tasks.owner_id', '=', ownerId)
    .where('tasks.repository_id', '=', repositoryId)
    .where((where) =>
      'id' in task ? where('tasks.id', '=', task.id) : where('tasks.number', '=', task.number),
    )
    .executeTakeFirst();
  return row && { taskId: row.taskId, workspaceId: row.isThere ? row.workspaceId : undefined };
}
