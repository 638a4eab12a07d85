import type { Client } from '@slipway/client';
import { CommandError } from './command-error.ts';

/** What people copy from a list or from the end of a branch's name: at least this much of an id. */
const minLength = 8;

const pageSize = 200;

/** How far back an abbreviation is looked for: 2,000 tasks. */
const maxPages = 10;

/**
 * The whole id behind what the user typed. Only a part of a UUID is looked up, through the list, newest
 * first; everything else goes to the server as it is. Throws `CommandError` when two tasks begin so.
 */
export async function resolveTaskId(client: Client, given: string, signal: AbortSignal): Promise<string> {
  const part = given.toLowerCase();
  if (part.length < minLength || part.length >= 36 || !/^[0-9a-f]{8}(?:-[0-9a-f-]*)?$/u.test(part))
    return given;
  const found = new Set<string>();
  for (let page = 0; page < maxPages; page += 1) {
    const { tasks, total } = await client.tasks.list(
      { limit: pageSize, offset: page * pageSize },
      { signal },
    );
    for (const { id } of tasks) if (id.startsWith(part)) found.add(id);
    if (tasks.length === 0 || (page + 1) * pageSize >= total) break;
  }
  if (found.size > 1) {
    throw new CommandError(
      'usage',
      `${given} is the beginning of ${found.size} tasks: ${[...found].join(', ')}`,
    );
  }
  return [...found][0] ?? given;
}
