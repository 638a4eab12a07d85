import type { Client } from '@slipway/client';
import { resolveId } from './resolve-id.ts';

/** The whole id of a workflow run behind what the user typed. Its beginning is the time: people copy the end. */
export function resolveRunId(client: Client, given: string, signal: AbortSignal): Promise<string> {
  return resolveId(given, {
    name: 'workflow runs',
    part: 'end',
    async list(page) {
      const { runs, total } = await client.workflows.runs.list(page, { signal });
      return { ids: runs.map(({ id }) => id), total };
    },
  });
}
