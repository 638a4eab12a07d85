import { sql, type Transaction } from 'kysely';
import type { ChangesSummary } from '../domain/event.ts';
import type { Spend } from '../domain/spend.ts';
import type { Failure } from '../domain/failure.ts';
import type { RunCause, RunState } from '../domain/run-state.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';
import { mendedInVain } from './test-runs.ts';

/** One iteration of a task, as the last attempt of its agent left it; it goes on while its work is tested. */
export type Iteration = {
  readonly number: number;
  readonly prompt: string;
  /** Its first 2,000 characters. */
  readonly resultStart: string | null;
  /** Of the agent's program, where it is known. */
  readonly agentVersion: string | null;
  readonly state: RunState;
  readonly cause: RunCause;
  readonly failure: Failure | null;
  readonly changes: ChangesSummary | null;
  /** Of the agent, over all attempts, without the time it waited for a person. */
  readonly durationMs: number;
  readonly spend: Spend;
  /** When the first attempt was taken up. */
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
};

type Row = Omit<Iteration, 'durationMs' | 'spend'> & Spend & { readonly exits: readonly unknown[] | null };

const resultCharacters = 2_000;

/** The iterations of a task, oldest first, those that wait included; one statement. */
export async function readIterations(database: Database, taskId: string): Promise<readonly Iteration[]> {
  const result = await sql<Row>`
    with own as (
      select runs.* from runs join tasks on tasks.id = runs.task_id
      where runs.task_id = ${taskId} and not runs.aside
    ), last as (
      select distinct on (iteration) * from own
      where kind <> 'test' and not ${mendedInVain('own')}
      order by iteration, attempt desc
    ), testing as (
      select iteration from own where kind = 'test' and state in ('queued', 'preparing', 'running', 'collecting')
    ), attempts as (
      select iteration, min(started_at) as started_at,
        jsonb_agg(exit) filter (where exit is not null and kind <> 'test') as exits
      from own group by iteration
    ), spent as (
      select runs.iteration, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
        sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens,
        sum(microdollars) as microdollars
      from spend join runs on runs.id = spend.run_id where spend.task_id = ${taskId} group by runs.iteration
    )
    select last.iteration as number, last.prompt, left(last.result, ${resultCharacters}) as "resultStart",
      last.agent_version as "agentVersion",
      case when testing.iteration is null then last.state else 'running' end as state, last.cause, last.failure, last.changes, attempts.exits,
      attempts.started_at as "startedAt", case when testing.iteration is null then last.ended_at end as "endedAt",
      coalesce(spent.input_tokens, 0)::bigint as "inputTokens",
      coalesce(spent.output_tokens, 0)::bigint as "outputTokens",
      coalesce(spent.cache_read_tokens, 0)::bigint as "cacheReadTokens",
      coalesce(spent.cache_write_tokens, 0)::bigint as "cacheWriteTokens",
      coalesce(spent.microdollars, 0)::bigint as microdollars
    from last join attempts using (iteration) left join spent using (iteration) left join testing using (iteration)
    order by last.iteration`.execute(database.kysely);
  return result.rows.map(iterationOf);
}

function iterationOf(row: Row): Iteration {
  const { exits, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, microdollars, ...rest } = row;
  return {
    ...rest,
    durationMs: (exits ?? []).reduce<number>((sum, exit) => sum + agentMs(exit), 0),
    spend: { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, microdollars },
  };
}

/** How long the agent worked in one iteration, in milliseconds, in a transaction that ends its last run, say. */
export async function readIterationMs(
  tx: Transaction<Tables>,
  taskId: string,
  iteration: number,
): Promise<number> {
  const runs = await tx
    .selectFrom('runs')
    .select('exit')
    .where('task_id', '=', taskId)
    .where('iteration', '=', iteration)
    .where('exit', 'is not', null)
    .where('kind', '<>', 'test')
    .execute();
  return runs.reduce((sum, { exit }) => sum + agentMs(exit), 0);
}

/** How long the agent worked by a supervisor's record of its end; 0 where it does not say. */
function agentMs(exit: unknown): number {
  if (typeof exit !== 'object' || exit === null) return 0;
  const { startedAt, endedAt, heldMs = 0 } = exit as Readonly<Record<string, unknown>>;
  const ms = Date.parse(String(endedAt)) - Date.parse(String(startedAt)) - Number(heldMs);
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
