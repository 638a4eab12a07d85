import type { RepositoryUrlPolicy } from './domain/repository-url.ts';
import type { HttpServices } from './http/http-deps.ts';
import { systemIds } from './lib/ids.ts';
import type { KeyRing } from './secrets/key-ring.ts';
import { createDeleteMcpServerService } from './services/delete-mcp-server.ts';
import { createDeleteToolService } from './services/delete-tool.ts';
import { createListMcpServersService } from './services/list-mcp-servers.ts';
import { createListToolsService, listCatalog } from './services/list-tools.ts';
import { createRegisterMcpServerService } from './services/register-mcp-server.ts';
import { createRegisterToolService } from './services/register-tool.ts';
import { createShowToolService } from './services/show-tool.ts';
import type { Database } from './store/database.ts';

/** What agents can be given beside their own abilities. */
export function composeTools({
  database,
  keyRing,
  repositories,
}: {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly repositories: RepositoryUrlPolicy;
}): Pick<HttpServices, 'mcpServers' | 'tools'> {
  return {
    mcpServers: {
      register: createRegisterMcpServerService({ database, keyRing, ids: systemIds, repositories }),
      list: createListMcpServersService({ database, repositories }),
      remove: createDeleteMcpServerService({ database, repositories }),
    },
    tools: {
      catalog: listCatalog,
      list: createListToolsService({ database }),
      show: createShowToolService({ database }),
      register: createRegisterToolService({ database, ids: systemIds }),
      remove: createDeleteToolService({ database }),
    },
  };
}
