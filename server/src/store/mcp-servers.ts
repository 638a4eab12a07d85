import type { McpServerDefinition } from '../domain/mcp-server.ts';
import { jsonText } from './append-events.ts';
import type { SealedSecret } from './create-task.ts';
import type { Database } from './database.ts';
import { deleteWithSecret, insertWithSecret, sealedColumns } from './secrets.ts';

/** For whose runs a server is: those in one repository, or (null) in all. */
export type McpServerScope = { readonly repositoryId: string | null };

export type NewMcpServer = McpServerScope & {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  /** With secret values masked. */
  readonly shown: McpServerDefinition;
  readonly secret: SealedSecret;
};

/** A server as lists show it. */
export type McpServerRow = {
  readonly name: string;
  readonly shown: McpServerDefinition;
  readonly createdAt: Date;
};

/** Stores a server and its secret. False: its scope has a server of this name. */
export async function insertMcpServer(database: Database, server: NewMcpServer): Promise<boolean> {
  return insertWithSecret(database, server, (tx) =>
    tx
      .insertInto('mcp_servers')
      .values({
        id: server.id,
        owner_id: server.ownerId,
        repository_id: server.repositoryId,
        name: server.name,
        shown: jsonText(server.shown),
        secret_id: server.secret.id,
      })
      .onConflict((conflict) => conflict.columns(['repository_id', 'name']).doNothing())
      .executeTakeFirst(),
  );
}

/** The servers of one scope, by name. */
export async function listMcpServers(
  database: Database,
  { repositoryId }: McpServerScope,
): Promise<readonly McpServerRow[]> {
  return database.kysely
    .selectFrom('mcp_servers')
    .select(['name', 'shown', 'created_at as createdAt'])
    .where('repository_id', 'is not distinct from', repositoryId)
    .orderBy('name')
    .execute();
}

/** The secret of one server; undefined where there is no such server. */
export async function findMcpServerSecret(
  database: Database,
  { repositoryId }: McpServerScope,
  name: string,
): Promise<SealedSecret | undefined> {
  return database.kysely
    .selectFrom('mcp_servers')
    .innerJoin('secrets', 'secrets.id', 'mcp_servers.secret_id')
    .select(sealedColumns)
    .where('mcp_servers.repository_id', 'is not distinct from', repositoryId)
    .where('mcp_servers.name', '=', name)
    .executeTakeFirst();
}

/** Deletes a server and its secret. False: its scope has none of this name. */
export async function deleteMcpServer(
  database: Database,
  { repositoryId }: McpServerScope,
  name: string,
): Promise<boolean> {
  return deleteWithSecret(database, (tx) =>
    tx
      .deleteFrom('mcp_servers')
      .where('repository_id', 'is not distinct from', repositoryId)
      .where('name', '=', name)
      .returning('secret_id')
      .executeTakeFirst(),
  );
}

/**
 * What a run in a repository is given by name and secret, those for all repositories first: of two with one
 * name the later counts.
 */
export async function findMcpServersFor(
  database: Database,
  repositoryId: string,
): Promise<readonly { readonly name: string; readonly secretId: string }[]> {
  return database.kysely
    .selectFrom('mcp_servers')
    .select(['name', 'secret_id as secretId'])
    .where((where) =>
      where.or([where('repository_id', 'is', null), where('repository_id', '=', repositoryId)]),
    )
    .orderBy('repository_id', (order) => order.asc().nullsFirst())
    .orderBy('name')
    .execute();
}
