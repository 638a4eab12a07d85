import { Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import type { RepositoryUrlPolicy } from '../domain/repository-url.ts';
import type { Database } from '../store/database.ts';
import { deleteMcpServer } from '../store/mcp-servers.ts';
import type { Viewer } from '../store/tasks.ts';
import { findScope } from './list-mcp-servers.ts';

/** Which server; without a repository one of those for all. */
export type McpServerReference = { readonly name: string; readonly repositoryUrl?: string };

/**
 * Deletes a server, and its secrets. Agents that were started with it keep it to their end.
 *
 * @throws Refusal `forbidden`, `not_found`; `invalid` for the repository.
 */
export function createDeleteMcpServerService(deps: {
  readonly database: Database;
  readonly repositories: RepositoryUrlPolicy;
}) {
  return async (viewer: Viewer, { name, repositoryUrl }: McpServerReference): Promise<void> => {
    if (!viewer.isAdmin) throw new Refusal('forbidden', 'MCP servers are deleted by administrators');
    const scope = await findScope(deps, repositoryUrl);
    const isGone = scope !== undefined && isName(name) && (await deleteMcpServer(deps.database, scope, name));
    if (!isGone) throw new Refusal('not_found', 'MCP server not found');
  };
}
