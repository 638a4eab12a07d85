import { sql, type Transaction } from 'kysely';
import { noSpend, type Spend } from '../domain/spend.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

const sums = sql`
  coalesce(sum(input_tokens), 0)::bigint as "inputTokens",
  coalesce(sum(output_tokens), 0)::bigint as "outputTokens",
  coalesce(sum(cache_read_tokens), 0)::bigint as "cacheReadTokens",
  coalesce(sum(cache_write_tokens), 0)::bigint as "cacheWriteTokens",
  coalesce(sum(microdollars), 0)::bigint as microdollars`;

/** What all runs of a task have spent so far. */
export async function readTaskSpend(database: Database, taskId: string): Promise<Spend> {
  const result = await sql<Spend>`select ${sums} from spend where task_id = ${taskId}`.execute(
    database.kysely,
  );
  return result.rows[0] ?? noSpend;
}

/** What the runs of one iteration have spent so far, in a transaction that ends the last of them, say. */
export async function readIterationSpend(
  tx: Transaction<Tables>,
  taskId: string,
  iteration: number,
): Promise<Spend> {
  const result = await sql<Spend>`
    select ${sums} from spend join runs on runs.id = spend.run_id
    where spend.task_id = ${taskId} and runs.iteration = ${iteration}`.execute(tx);
  return result.rows[0] ?? noSpend;
}

/** The model that did most of a run, by its agent's account; undefined: none is known. */
export async function readRunModel(database: Database, runId: string): Promise<string | undefined> {
  const row = await database.kysely
    .selectFrom('spend')
    .select('model')
    .where('run_id', '=', runId)
    .groupBy('model')
    .orderBy((all) => all.fn.sum('output_tokens'), 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.model;
}

/**
 * What the ledger had of one conversation of an agent when this run began: the sum over the runs before it.
 * What the run itself has spent is not in it, so that a reader which reads all its lines again counts the same.
 */
export async function readSessionSpend(
  database: Database,
  run: { readonly taskId: string; readonly runId: string },
  session: string,
): Promise<Spend> {
  const result = await sql<Spend>`
    select ${sums} from spend
    where task_id = ${run.taskId} and run_id <> ${run.runId} and session = ${session}`.execute(
    database.kysely,
  );
  return result.rows[0] ?? noSpend;
}
