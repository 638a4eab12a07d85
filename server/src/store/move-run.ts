import { sql, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
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

/** The worker that has the run's tree on its disk. */
export function holderOf({ runId }: Claim) {
  return sql<string | null>`(select holder from runs where id = ${runId})`;
}

export type StartedWorkspace = {
  readonly workspaceId: string;
  readonly baseBranch: string;
  readonly baseCommit: string;
  /** Where the tree is, where that is nobody's work: the head of a pull request. */
  readonly headCommit?: string | undefined;
};

/**
 * preparing → running, task and workspace with it; a task whose finished work is reviewed stays `reviewing`. The
 * deadline is the agent's time and a margin in which the supervisor, who keeps that time exactly, has to have ended
 * it. False: the claim is lost.
 */
export async function startRun(
  database: Database,
  claim: Claim & { readonly taskId: string; readonly aside: boolean },
  workspace: StartedWorkspace,
  events: readonly NewEvent[],
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const task = await tx
        .updateTable('tasks')
        .set({ state: claim.aside ? 'reviewing' : 'running' })
        .where('id', '=', claim.taskId)
        .where('state', 'in', claim.aside ? ['reviewing'] : ['cloning', 'running', 'awaiting_instruction'])
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
          // Whole it is again when the run has ended well.
          worker_id: null,
          base_branch: workspace.baseBranch,
          base_commit: workspace.baseCommit,
          ...(workspace.headCommit === undefined ? {} : { head_commit: workspace.headCommit }),
          used_at: sql`now()`,
          // One that was deleted meanwhile is there again.
          expires_at: null,
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

/**
 * The end of a live run that did not succeed, in the transaction that moves its task; rolls that back where the claim
 * is lost.
 */
export async function endRun(
  tx: Transaction<Tables>,
  run: Claim & { readonly state: LiveRunState },
  end: { readonly state: 'failed' | 'cancelled'; readonly failure?: Failure },
): Promise<void> {
  const moved = await heldRun(tx, run, run.state)
    .set({
      state: end.state,
      failure: end.failure === undefined ? null : jsonText(end.failure),
      ended_at: sql`now()`,
      deadline_at: null,
    })
    .executeTakeFirst();
  if (moved.numUpdatedRows !== 1n) rollBack();
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
