import { sql } from 'kysely';
import type { EventData } from '../domain/event.ts';
import { appendEvents, lockHeldRun, type Claim } from './append-events.ts';
import type { Database } from './database.ts';

/**
 * Tells of MCP servers that are not there for a live run, once for each run and server, whoever found it and how
 * often. The row's lock keeps a second writer out until the first has committed. False: the claim was lost.
 */
export async function appendServerFailures(
  database: Database,
  claim: Claim,
  failures: readonly EventData['mcp_server_failed'][],
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const run = await lockHeldRun(tx, claim);
    if (run === undefined) return false;
    const told = await tx
      .selectFrom('events')
      .select(sql<string>`data ->> 'server'`.as('server'))
      .where('stream_id', '=', run.task_id)
      .where('run_id', '=', claim.runId)
      .where('type', '=', 'mcp_server_failed')
      .execute();
    const isNew = ({ server }: EventData['mcp_server_failed']): boolean =>
      told.every((event) => event.server !== server);
    const events = failures.filter(isNew).map((data) => ({ type: 'mcp_server_failed' as const, data }));
    await appendEvents(tx, run.task_id, claim.runId, events);
    return true;
  });
}
