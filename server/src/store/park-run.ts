import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { appendEvents, type Claim } from './append-events.ts';
import type { StoredBlob } from './blob-folder.ts';
import type { Database } from './database.ts';
import { insertSessionBlob, sessionColumns, type FinishingRun, type KeptSession } from './finish-run.ts';
import { falseWhenMoved, heldRun, holderOf, rollBack, secondsFromNow } from './move-run.ts';
import { insertResumedRun } from './next-attempt.ts';
import type { Tables } from './tables.ts';

/** What a parked run leaves for the one that goes on with it. */
export type Parked = {
  readonly session: KeptSession | undefined;
  /** The tree as it is; undefined: it is as it was at the run's beginning. */
  readonly snapshot: { readonly commit: string; readonly bundle: StoredBlob } | undefined;
  /** The agent's time that the run has not used. */
  readonly timeLeftMs: number;
  readonly durationMs: number;
  /** The run that goes on, where everything was answered meanwhile. */
  readonly nextRunId: string;
};

/** The decision to put a run's agent away, before that is begun: who finds it ended knows why. False: the claim is lost. */
export async function beginParking(database: Database, claim: Claim): Promise<boolean> {
  const rows = await database.statement(
    {
      name: 'begin-parking',
      text: `update runs set parking = true where id = $1 and generation = $2 and state = 'running' returning 1 as moved`,
    },
    [claim.runId, claim.generation],
  );
  return rows.length === 1;
}

/**
 * collecting → parked: its agent is put away while a person is waited for, and neither a slot nor time is
 * spent. Where nobody is waited for any more, the run that goes on is queued at once. False: the claim is
 * lost, or somebody wants the task cancelled.
 */
export async function parkRun(database: Database, run: FinishingRun, parked: Parked): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const waits = await moveTask(tx, run.taskId, parked.durationMs);
      if (parked.snapshot !== undefined) {
        await tx
          .insertInto('blobs')
          .values({ ...parked.snapshot.bundle, owner_id: run.ownerId, kind: 'bundle' })
          .execute();
      }
      await insertSessionBlob(tx, run.ownerId, parked.session);
      const moved = await heldRun(tx, run, 'collecting')
        .set({ state: 'parked', time_left_ms: parked.timeLeftMs, ended_at: sql`now()`, deadline_at: null })
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      await tx
        .updateTable('workspaces')
        .set({
          ...sessionColumns(run.taskId, parked.session),
          worker_id: holderOf(run),
          parked_task_id: run.taskId,
          snapshot_commit: parked.snapshot?.commit ?? null,
          snapshot_blob_id: parked.snapshot?.bundle.id ?? null,
          used_at: sql`now()`,
        })
        .where('id', '=', run.workspaceId)
        .execute();
      await appendEvents(tx, run.taskId, run.runId, [{ type: 'run_parked', data: {} }]);
      if (!waits) await insertResumedRun(tx, run.runId, parked.nextRunId);
      return true;
    })
    .catch(falseWhenMoved);
}

/** The task's side, its row first. True: a question still waits. */
async function moveTask(tx: Transaction<Tables>, taskId: string, durationMs: number): Promise<boolean> {
  const task = await tx
    .updateTable('tasks')
    .set({ duration_ms: sql`duration_ms + ${durationMs}` })
    .where('id', '=', taskId)
    .where('state', 'in', ['running', 'waiting_for_user'])
    .where('cancel_requested_at', 'is', null)
    .returning('state')
    .executeTakeFirst();
  if (task === undefined) return rollBack();
  const waiting = await tx
    .selectFrom('approvals')
    .select('id')
    .where('task_id', '=', taskId)
    .where('state', '=', 'waiting')
    .executeTakeFirst();
  if (waiting !== undefined) return true;
  // The table has no way from running to awaiting_instruction: it goes by what the task has just been.
  if (task.state === 'running') {
    await tx.updateTable('tasks').set({ state: 'waiting_for_user' }).where('id', '=', taskId).execute();
  }
  await tx
    .updateTable('tasks')
    .set({ state: 'awaiting_instruction', deadline_at: secondsFromNow(deadlineSeconds.pending) })
    .where('id', '=', taskId)
    .execute();
  return false;
}
