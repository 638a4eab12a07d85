import { Refusal } from '../domain/errors.ts';
import type { RepositoryUrlPolicy } from '../domain/repository-url.ts';
import type { Database } from '../store/database.ts';
import { listMcpServers, type McpServerRow, type McpServerScope } from '../store/mcp-servers.ts';
import { findRepository } from '../store/owners.ts';
import type { Viewer } from '../store/tasks.ts';
import { checkedRepository } from './create-task.ts';
import { nativeFields } from './native-fields.ts';

export type { McpServerRow } from '../store/mcp-servers.ts';

type ScopeDeps = { readonly database: Database; readonly repositories: RepositoryUrlPolicy };

/**
 * The servers for all repositories, which are in everybody's tasks, or those for one, by name and without their
 * secrets. Which repositories there are is not everybody's to find out.
 *
 * @throws Refusal `forbidden`, `invalid`
 */
export function createListMcpServersService(deps: ScopeDeps) {
  return async (viewer: Viewer, repositoryUrl?: string): Promise<readonly McpServerRow[]> => {
    if (repositoryUrl !== undefined && !viewer.isAdmin) {
      throw new Refusal('forbidden', "a repository's MCP servers are listed for administrators");
    }
    const scope = await findScope(deps, repositoryUrl);
    return scope === undefined ? [] : listMcpServers(deps.database, scope);
  };
}

/** Whose servers are meant; undefined: those of a repository that nobody has named before. */
export async function findScope(
  { database, repositories }: ScopeDeps,
  repositoryUrl: string | undefined,
): Promise<McpServerScope | undefined> {
  if (repositoryUrl === undefined) return { repositoryId: null };
  const { canonical } = checkedRepository(repositoryUrl, repositories, nativeFields);
  const repositoryId = await findRepository(database, canonical);
  return repositoryId === undefined ? undefined : { repositoryId };
}
