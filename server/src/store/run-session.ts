import type { Database } from './database.ts';

/** The conversation that a run's agent has told of; undefined: none. */
export async function readRunSession(database: Database, runId: string): Promise<string | undefined> {
  const rows = await database.statement<{ session: string | null }>(
    { name: 'read-run-session', text: 'select session from runs where id = $1' },
    [runId],
  );
  return rows[0]?.session ?? undefined;
}
