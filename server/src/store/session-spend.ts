import type { Database } from './database.ts';
import type { NewSpend } from './append-findings.ts';

/**
 * What the ledger had of one conversation of an agent when this run began: the sum over the runs before it.
 * What the run itself has spent is not in it, so that a reader which reads all its lines again counts the same.
 */
export async function readSessionSpend(
  database: Database,
  run: { readonly taskId: string; readonly runId: string },
  session: string,
): Promise<Omit<NewSpend, 'model'>> {
  const rows = await database.statement<Omit<NewSpend, 'model'>>(
    {
      name: 'read-session-spend',
      text: `select coalesce(sum(input_tokens), 0)::float8 as "inputTokens",
          coalesce(sum(output_tokens), 0)::float8 as "outputTokens",
          coalesce(sum(cache_read_tokens), 0)::float8 as "cacheReadTokens",
          coalesce(sum(cache_write_tokens), 0)::float8 as "cacheWriteTokens",
          coalesce(sum(microdollars), 0)::float8 as microdollars
        from spend where task_id = $1 and run_id <> $2 and session = $3`,
    },
    [run.taskId, run.runId, session],
  );
  const none = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, microdollars: 0 };
  return rows[0] ?? none;
}
