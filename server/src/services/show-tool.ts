import { Refusal } from '../domain/errors.ts';
import { isName } from '../domain/key.ts';
import type { ToolDefinition } from '../domain/tool.ts';
import { builtInTool } from '../domain/tool-catalog.ts';
import type { Database } from '../store/database.ts';
import { findRegisteredTool } from '../store/tools.ts';
import { builtIn, type Tool } from './list-tools.ts';

/**
 * One tool, built in or registered.
 *
 * @throws Refusal `not_found`
 */
export function createShowToolService({ database }: { readonly database: Database }) {
  return async (name: string): Promise<Tool> => {
    const tool = await lookUp(database, name);
    if (tool === undefined) throw new Refusal('not_found', 'tool not found');
    return tool;
  };
}

/** What a tool is, built in or registered; undefined: there is none of this name. */
export async function findTool(database: Database, name: string): Promise<ToolDefinition | undefined> {
  return (await lookUp(database, name))?.definition;
}

async function lookUp(database: Database, name: string): Promise<Tool | undefined> {
  const known = builtInTool(name);
  if (known !== undefined) return builtIn(known);
  const found = isName(name) ? await findRegisteredTool(database, name) : undefined;
  return found && { ...found, isBuiltIn: false };
}
