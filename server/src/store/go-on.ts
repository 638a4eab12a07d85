import type { Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

/** A task at rest with instructions that wait does not rest: the oldest of them is next. */
export async function goOnWithInstructions(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({
      state: 'awaiting_instruction',
      finished_at: null,
      deadline_at: secondsFromNow(deadlineSeconds.pending),
    })
    .where('id', '=', taskId)
    .where('state', 'in', ['completed', 'pr_created'])
    .where((where) =>
      where.exists(
        where
          .selectFrom('runs')
          .select('runs.id')
          .whereRef('runs.task_id', '=', 'tasks.id')
          .where('runs.state', '=', 'queued'),
      ),
    )
    .execute();
}
