import type { ToolDefinition } from '../domain/tool.ts';
import { builtInTools, builtInToolsSince } from '../domain/tool-catalog.ts';
import type { Database } from '../store/database.ts';
import { listTools } from '../store/tools.ts';

/** A tool with where it comes from. */
export type Tool = {
  readonly definition: ToolDefinition;
  readonly isBuiltIn: boolean;
  readonly createdAt: Date;
};

/** The built-in tools, in the order of the catalog. */
export function listCatalog(): readonly Tool[] {
  return builtInTools().map(builtIn);
}

/** A built-in tool as all are listed. */
export function builtIn(definition: ToolDefinition): Tool {
  return { definition, isBuiltIn: true, createdAt: builtInToolsSince };
}

/** All tools: first the built-in ones, then those that were registered, by name. */
export function createListToolsService({ database }: { readonly database: Database }) {
  return async (): Promise<readonly Tool[]> => {
    const registered = await listTools(database);
    return [...listCatalog(), ...registered.map((tool) => ({ ...tool, isBuiltIn: false }))];
  };
}
