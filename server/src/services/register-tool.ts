import { isDeepStrictEqual } from 'node:util';
import { Refusal } from '../domain/errors.ts';
import type { ToolDefinition } from '../domain/tool.ts';
import { builtInTool } from '../domain/tool-catalog.ts';
import type { Ids } from '../lib/ids.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { findRegisteredTool, insertTool } from '../store/tools.ts';

/** A tool that has been checked. */
export type ToolRegistration = {
  readonly definition: ToolDefinition;
  /** Whether the caller marks the request as one that may have been sent before. */
  readonly mayBeRepeat: boolean;
};

/**
 * Keeps a tool for everybody's tasks; its command is an administrator's to set. A repeated request, marked as
 * one, for a tool that is there just so in every part is done already.
 *
 * @throws Refusal `forbidden`; `conflict` where the name is taken, also by a built-in tool.
 */
export function createRegisterToolService({
  database,
  ids,
}: {
  readonly database: Database;
  readonly ids: Ids;
}) {
  return async (viewer: Viewer, { definition, mayBeRepeat }: ToolRegistration): Promise<void> => {
    if (!viewer.isAdmin) throw new Refusal('forbidden', 'tools are registered by administrators');
    const { name } = definition;
    const isFree = builtInTool(name) === undefined;
    if (isFree && (await insertTool(database, { id: ids.ordered(), ownerId: viewer.userId, definition })))
      return;
    const kept = mayBeRepeat ? await findRegisteredTool(database, name) : undefined;
    if (kept !== undefined && isDeepStrictEqual(kept.definition, definition)) return;
    throw new Refusal('conflict', `a tool named ${name} exists already`);
  };
}
