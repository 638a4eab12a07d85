import { sql, type RawBuilder, type Transaction } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import type { Claim } from './append-events.ts';
import { secondsFromNow } from './move-run.ts';
import type { Tables } from './tables.ts';

/**
 * Before any other run of its queue: what was begun is brought to its end first. Larger than every priority that a
 * task can ask for.
 */
const goesOnPriority = 1_000;

/** A run for the task of one that has just ended in this transaction, and in the same iteration. */
export type GoingOn = Claim & { readonly taskId: string; readonly workspaceId: string };

/** Queues the run that tries what this one has made. Until the work is tested, nobody else works in its tree. */
export async function insertTestRun(
  tx: Transaction<Tables>,
  worked: GoingOn,
  testRunId: string,
): Promise<void> {
  await insertGoingOn(tx, worked, { runId: testRunId, kind: 'test', cause: 'test' });
}

/** Queues the run in which the agent mends what the tests found. */
export async function insertMendingRun(
  tx: Transaction<Tables>,
  tested: GoingOn,
  runId: string,
): Promise<void> {
  await insertGoingOn(tx, tested, { runId, kind: 'code', cause: 'test_failed' });
}

/** With the whole of the task's time, and attempts counted anew. */
async function insertGoingOn(
  tx: Transaction<Tables>,
  ended: GoingOn,
  next: { readonly runId: string; readonly kind: 'test' | 'code'; readonly cause: 'test' | 'test_failed' },
): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({ deadline_at: secondsFromNow(deadlineSeconds.pending) })
    .where('id', '=', ended.taskId)
    .execute();
  await sql`
    with last as (
      select coalesce(max(other.attempt), 0) + 1 as attempt from runs ended
        join runs other on other.task_id = ended.task_id and other.iteration = ended.iteration
      where ended.id = ${ended.runId} and other.kind = ${next.kind}
    )
    insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, first_attempt,
      cause, prompt, queue, priority, requires, state, deadline_at, time_left_ms, agent)
    select ${next.runId}::uuid, run.task_id, run.owner_id, run.repository_id, run.workspace_id, ${next.kind}::text,
      run.iteration, last.attempt, last.attempt, ${next.cause}::text, run.prompt, run.queue, ${goesOnPriority},
      run.requires, 'queued', now() + make_interval(secs => ${deadlineSeconds.pending}),
      (task.options ->> 'timeoutSeconds')::bigint * 1000,
      case when ${next.kind} = 'test' then 'script' else task.options ->> 'agent' end
    from runs run join tasks task on task.id = run.task_id, last
    where run.id = ${ended.runId}`.execute(tx);
  await tx
    .updateTable('workspaces')
    .set({ parked_task_id: ended.taskId })
    .where('id', '=', ended.workspaceId)
    .execute();
}

/**
 * Of a row of runs by its name in the statement: it failed where work of its iteration was there already. What the
 * iteration came to is that work.
 */
export function mendedInVain(run: string): RawBuilder<boolean> {
  const row = sql.table(run);
  return sql<boolean>`(${row}.state in ('failed', 'lost') and exists (select from runs worked
    where worked.task_id = ${row}.task_id and worked.iteration = ${row}.iteration
      and worked.kind <> 'test' and not worked.aside and worked.state = 'succeeded'))`;
}
