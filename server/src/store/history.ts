import { sql } from 'kysely';
import type { HistoryEntry } from '../domain/follow-up-prompt.ts';
import type { Database } from './database.ts';
import { mendedInVain } from './test-runs.ts';

/** One text of it at most, in characters: the whole history has no more room in a prompt. */
const textCharacters = 50_000;
/** The newest iterations; those before them have no room either. */
const iterations = 200;

/** What was asked and answered in the iterations of a task before this one, oldest first. */
export async function readHistory(
  database: Database,
  taskId: string,
  beforeIteration: number,
): Promise<readonly HistoryEntry[]> {
  const result = await sql<HistoryEntry>`
    select distinct on (runs.iteration) runs.iteration, left(runs.prompt, ${textCharacters}) as prompt,
      left(runs.result, ${textCharacters}) as result, runs.state
    from runs join tasks on tasks.id = runs.task_id
    where runs.task_id = ${taskId} and not runs.aside and runs.kind <> 'test' and not ${mendedInVain('runs')}
      and runs.iteration < ${beforeIteration} and runs.iteration >= ${beforeIteration - iterations}
    order by runs.iteration, runs.attempt desc`.execute(database.kysely);
  return result.rows;
}
