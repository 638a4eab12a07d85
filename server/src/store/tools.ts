import type { ToolDefinition } from '../domain/tool.ts';
import type { Database } from './database.ts';

/** A registered tool. Tools are everybody's: only who may register and delete them is limited. */
export type ToolRow = { readonly definition: ToolDefinition; readonly createdAt: Date };

/** Stores a tool. False: there is one of this name. */
export async function insertTool(
  database: Database,
  tool: { readonly id: string; readonly ownerId: string; readonly definition: ToolDefinition },
): Promise<boolean> {
  const inserted = await database.kysely
    .insertInto('tools')
    .values({
      id: tool.id,
      owner_id: tool.ownerId,
      name: tool.definition.name,
      definition: JSON.stringify(tool.definition),
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/** All registered tools, by name. */
export async function listTools(database: Database): Promise<readonly ToolRow[]> {
  return database.kysely
    .selectFrom('tools')
    .select(['definition', 'created_at as createdAt'])
    .orderBy('name')
    .execute();
}

/** A registered tool; undefined: there is none of this name. */
export async function findRegisteredTool(database: Database, name: string): Promise<ToolRow | undefined> {
  return database.kysely
    .selectFrom('tools')
    .select(['definition', 'created_at as createdAt'])
    .where('name', '=', name)
    .executeTakeFirst();
}

/** Deletes a registered tool. False: there is none of this name. */
export async function deleteTool(database: Database, name: string): Promise<boolean> {
  const gone = await database.kysely.deleteFrom('tools').where('name', '=', name).executeTakeFirst();
  return gone.numDeletedRows === 1n;
}
