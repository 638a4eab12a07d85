import type { Client } from '@slipway/client';
import { resolveId } from './resolve-id.ts';

/** The whole id of a task behind what the user typed, such as the end of a branch's name, as `resolveId` finds it. */
export function resolveTaskId(client: Client, given: string, signal: AbortSignal): Promise<string> {
  return resolveId(given, {
    name: 'tasks',
    part: 'beginning',
    async list(page) {
      const { tasks, total } = await client.tasks.list(page, { signal });
      return { ids: tasks.map(({ id }) => id), total };
    },
  });
}
