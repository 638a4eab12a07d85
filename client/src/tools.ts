import type { CreatedTool, DeletedTool, Tool, ToolInput, ToolList } from './api-types.ts';
import type { CreateOptions, RequestOptions } from './request-options.ts';
import { idempotent, pathPart, read, type Transport } from './transport.ts';

/** MCP servers with the settings that they take, which tasks ask for by name in `config.tools`. */
export type Tools = {
  /** The built-in ones. */
  readonly catalog: (options?: RequestOptions) => Promise<ToolList>;
  /** The built-in ones and those that were registered. */
  readonly list: (options?: RequestOptions) => Promise<ToolList>;
  readonly get: (name: string, options?: RequestOptions) => Promise<Tool>;
  /** Registers a tool, for administrators; a taken name is a 409. */
  readonly create: (input: ToolInput, options?: CreateOptions) => Promise<CreatedTool>;
  readonly delete: (name: string, options?: RequestOptions) => Promise<DeletedTool>;
};

export function createTools(transport: Transport): Tools {
  return {
    catalog: ({ signal } = {}) => transport.json(read('api/v1/tools/catalog', signal)),
    list: ({ signal } = {}) => transport.json(read('api/v1/tools', signal)),
    get: async (name, { signal } = {}) => transport.json(read(toolPath(name), signal)),
    create: (input, options = {}) => transport.json(idempotent('api/v1/tools', input, options)),
    // Done twice, the second would be told that there is no such tool.
    delete: async (name, { signal } = {}) =>
      transport.json({ method: 'DELETE', path: toolPath(name), repeatable: false, signal }),
  };
}

function toolPath(name: string): string {
  return `api/v1/tools/${pathPart(name)}`;
}
