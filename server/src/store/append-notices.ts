import { sql } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import { liveRunStates } from '../domain/run-state.ts';
import { appendEvents, type Claim } from './append-events.ts';
import type { Database } from './database.ts';
import { falseWhenMoved, rollBack } from './move-run.ts';

/**
 * Lines of a run's notices become events, once: a compare-and-set on how many have. False: the claim was
 * lost, or the count had moved on; nothing was written.
 */
export async function appendNotices(
  database: Database,
  run: Claim & { readonly taskId: string },
  from: number,
  events: readonly NewEvent[],
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const moved = await tx
        .updateTable('runs')
        .set({ notices_at: sql`notices_at + ${events.length}` })
        .where('id', '=', run.runId)
        .where('generation', '=', run.generation)
        .where('notices_at', '=', from)
        .where('state', 'in', [...liveRunStates])
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      await appendEvents(tx, run.taskId, run.runId, events);
      return true;
    })
    .catch(falseWhenMoved);
}
