import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { NewEvent } from '../domain/event.ts';
import type { LiveRunState } from '../domain/run-state.ts';
import { appendEvents, jsonText, type Claim } from './append-events.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** Seconds from the database's now, as a value for a column. */
export function secondsFromNow(seconds: number) {
  return sql<Date>`now() + make_interval(secs => ${seconds})`;
}

/** The compare of every compare-and-set on a run: this generation, this state. */
export function heldRun(tx: Transaction<Tables>, claim: Claim, state: LiveRunState) {
  return tx
    .updateTable('runs')
    .where('id', '=', claim.runId)
    .where('generation', '=', claim.generation)
    .where('state', '=', state);
}

export type StartedWorkspace = {
  readonly workspaceId: string;
  readonly workerId: string;
  readonly baseBranch: string;
  readonly baseCommit: string;
};

/**
 * preparing → running, task and workspace with it. The deadline is the agent's time and a margin in which
 * the supervisor, who keeps that time exactly, has to have ended it. False: the claim is lost.
 */
export async function startRun(
  database: Database,
  claim: Claim & { readonly taskId: string },
  workspace: StartedWorkspace,
  events: readonly NewEvent[],
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const task = await tx
        .updateTable('tasks')
        .set({ state: 'running' })
        .where('id', '=', claim.taskId)
        .where('state', 'in', ['cloning', 'running', 'awaiting_instruction'])
        .executeTakeFirst();
      const run = await heldRun(tx, claim, 'preparing')
        .set({
          state: 'running',
          deadline_at: sql`now() + make_interval(secs => time_left_ms / 1000.0 + ${deadlineSeconds.runningGrace})`,
        })
        .executeTakeFirst();
      if (task.numUpdatedRows !== 1n || run.numUpdatedRows !== 1n) return rollBack();
      await tx
        .updateTable('workspaces')
        .set({
          worker_id: workspace.workerId,
          base_branch: workspace.baseBranch,
          base_commit: workspace.baseCommit,
          used_at: sql`now()`,
        })
        .where('id', '=', workspace.workspaceId)
        .execute();
      await appendEvents(tx, claim.taskId, claim.runId, events);
      return true;
    })
    .catch(falseWhenMoved);
}

/** running → collecting, with how the sandbox ended. False: the claim is lost. */
export async function recordExit(database: Database, claim: Claim, exit: unknown): Promise<boolean> {
  const rows = await database.statement(
    {
      name: 'record-exit',
      text: `update runs set state = 'collecting', exit = $3::jsonb, deadline_at = now() + make_interval(secs => $4)
        where id = $1 and generation = $2 and state = 'running' returning 1 as moved`,
    },
    [claim.runId, claim.generation, jsonText(exit), deadlineSeconds.collecting],
  );
  return rows.length === 1;
}

class Moved extends Error {}

/** Undoes the transaction: somebody else moved the run or the task meanwhile. */
export function rollBack(): never {
  throw new Moved('the run was moved by somebody else');
}

export function falseWhenMoved(error: unknown): false {
  if (error instanceof Moved) return false;
  throw error;
}
