import type { CreatedMcpServer, DeletedMcpServer, McpServerInput, McpServerList } from './api-types.ts';
import type { CreateOptions, RequestOptions } from './request-options.ts';
import { idempotent, pathPart, read, type Transport } from './transport.ts';

/** Of which servers: those of every repository, or those of this one. */
export type McpServerScope = { readonly repo_url?: string | undefined };

/** Servers of the Model Context Protocol that the agents of tasks get. Secrets are never given back. */
export type McpServers = {
  readonly list: (scope?: McpServerScope, options?: RequestOptions) => Promise<McpServerList>;
  /** Registers a server, for administrators; a name that is taken in its scope is a 409. */
  readonly create: (input: McpServerInput, options?: CreateOptions) => Promise<CreatedMcpServer>;
  readonly delete: (
    name: string,
    scope?: McpServerScope,
    options?: RequestOptions,
  ) => Promise<DeletedMcpServer>;
};

const path = 'api/v1/mcp/servers';

export function createMcpServers(transport: Transport): McpServers {
  return {
    list: (scope = {}, { signal } = {}) => transport.json({ ...read(path, signal), query: { ...scope } }),
    create: (input, options = {}) => transport.json(idempotent(path, input, options)),
    // Done twice, the second would be told that there is no such server.
    delete: async (name, scope = {}, { signal } = {}) =>
      transport.json({
        method: 'DELETE',
        path: `${path}/${pathPart(name)}`,
        query: { ...scope },
        repeatable: false,
        signal,
      }),
  };
}
