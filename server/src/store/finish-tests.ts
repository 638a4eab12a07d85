import { sql, type Transaction } from 'kysely';
import type { ChangedFiles, ChangesSummary, NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { TestOutcome } from '../domain/test-outcome.ts';
import { appendEvents, jsonText, storableText } from './append-events.ts';
import { dropApprovals } from './approvals.ts';
import type { Database } from './database.ts';
import {
  changeRunning,
  completeTask,
  insertPush,
  stopWaiting,
  type FinishingRun,
  type Success,
} from './finish-run.ts';
import { goOnWithInstructions } from './go-on.ts';
import { readIterationMs } from './iterations.ts';
import { endRun, falseWhenMoved, heldRun, holderOf, rollBack } from './move-run.ts';
import { readIterationSpend } from './spend.ts';
import type { Tables } from './tables.ts';
import { tellOfEnd } from './tell-of-end.ts';
import { insertMendingRun } from './test-runs.ts';

/** The work that a test run tries, and how often the agent was given its failures in this iteration. */
export type TestedWork = {
  /** The run that made it. */
  readonly runId: string;
  readonly commit: string;
  readonly changes: ChangesSummary;
  readonly files: ChangedFiles | null;
  readonly result: string;
  readonly givenBack: number;
};

/** Of the iteration of this run, whose work is there: a test run follows nothing else. */
export async function readTestedWork(
  database: Database,
  run: { readonly taskId: string; readonly iteration: number },
): Promise<TestedWork> {
  const row = await database.kysely
    .selectFrom('runs')
    .select([
      'id as runId',
      'commit',
      'changes',
      'files',
      'result',
      (select) =>
        select
          .selectFrom('runs as mending')
          .select(sql<number>`count(*)`.as('times'))
          .whereRef('mending.task_id', '=', 'runs.task_id')
          .whereRef('mending.iteration', '=', 'runs.iteration')
          .where('mending.cause', '=', 'test_failed')
          .as('givenBack'),
    ])
    .where('task_id', '=', run.taskId)
    .where('iteration', '=', run.iteration)
    .where('bundle_blob_id', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const { commit, changes } = row;
  if (commit === null || changes === null) throw new Error('there is no work to test');
  return { ...row, commit, changes, result: row.result ?? '', givenBack: row.givenBack ?? 0 };
}

export type Tested = {
  readonly outcome: TestOutcome;
  readonly work: TestedWork;
  /** Whether the tree is as it was before the tests. */
  readonly restored: boolean;
  /** The run in which the agent mends what was found; undefined: the task is done. */
  readonly mendingRunId: string | undefined;
  /** Where the work is to be pushed once the task is done; undefined: a person publishes. */
  readonly push: Success['push'];
};

/**
 * collecting → succeeded of a run that tested: it has, whatever came of that. The task has the outcome, and is done
 * or goes on with the agent, in the same transaction. False: the claim is lost, or somebody wants the task cancelled.
 */
export async function finishTests(database: Database, run: FinishingRun, tested: Tested): Promise<boolean> {
  const { outcome, work, restored, mendingRunId, push } = tested;
  const tests = { tests: jsonText(outcome) };
  const finished: NewEvent = { type: 'tests_finished', data: outcome };
  return database
    .transaction(async (tx) => {
      if (mendingRunId === undefined) await completeTask(tx, run.taskId, tests, push?.branch);
      else await changeRunning(tx, run.taskId, tests);
      const moved = await heldRun(tx, run, 'collecting')
        .set({
          state: 'succeeded',
          commit: work.commit,
          result: storableText(outcome.output),
          ended_at: sql`now()`,
          deadline_at: null,
        })
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      const tree = { worker_id: restored ? holderOf(run) : null };
      if (mendingRunId === undefined) {
        await deliver(tx, run, { work, push, tree, events: [finished] });
        return true;
      }
      await leaveWorkspace(tx, run, tree);
      await insertMendingRun(tx, run, mendingRunId);
      await appendEvents(tx, run.taskId, run.runId, [finished, { type: 'tests_given_back', data: {} }]);
      return true;
    })
    .catch(falseWhenMoved);
}

export type GivenUpTests = {
  /** Why the tests could not be run, or not be mended. */
  readonly failure: Failure;
  readonly outcome: TestOutcome;
  readonly work: TestedWork;
  readonly push: Success['push'];
  /** Of the agent in this run. */
  readonly durationMs: number;
};

/**
 * The last attempt of a run that tested or mended has failed: the work is there all the same, and the task is done
 * with what is known of its tests. False: the claim is lost, or somebody wants the task cancelled.
 */
export async function giveUpTests(
  database: Database,
  run: FinishingRun,
  { failure, outcome, work, push, durationMs }: GivenUpTests,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      if (run.waiting) await stopWaiting(tx, run.taskId);
      const columns = { tests: jsonText(outcome), duration_ms: sql<number>`duration_ms + ${durationMs}` };
      await completeTask(tx, run.taskId, columns, push?.branch);
      await endRun(tx, run, { state: 'failed', failure });
      await dropApprovals(tx, run.taskId);
      const events: readonly NewEvent[] = [{ type: 'tests_given_up', data: { failure } }];
      await deliver(tx, run, { work, push, tree: { worker_id: null }, events });
      return true;
    })
    .catch(falseWhenMoved);
}

type Tree = { readonly worker_id: ReturnType<typeof holderOf> | null };

/** What follows the end of a task's tests, after task and run have moved. */
async function deliver(
  tx: Transaction<Tables>,
  run: FinishingRun,
  {
    work,
    push,
    tree,
    events,
  }: {
    readonly work: TestedWork;
    readonly push: Success['push'];
    readonly tree: Tree;
    readonly events: readonly NewEvent[];
  },
): Promise<void> {
  if (push !== undefined)
    await insertPush(tx, { ...run, runId: work.runId }, { ...push, commit: work.commit });
  await leaveWorkspace(tx, run, tree);
  const completed: NewEvent = {
    type: 'task_completed',
    data: {
      result: work.result,
      changes: work.changes,
      durationSeconds: Math.round((await readIterationMs(tx, run.taskId, run.iteration)) / 1_000),
      iteration: run.iteration,
      spend: await readIterationSpend(tx, run.taskId, run.iteration),
    },
  };
  await appendEvents(tx, run.taskId, run.runId, [...events, completed]);
  if (push !== undefined) return;
  await tellOfEnd(tx, run.taskId);
  await goOnWithInstructions(tx, run.taskId);
}

/** Others may work there again. */
async function leaveWorkspace(tx: Transaction<Tables>, run: FinishingRun, tree: Tree): Promise<void> {
  await tx
    .updateTable('workspaces')
    .set({ ...tree, parked_task_id: null, used_at: sql`now()` })
    .where('id', '=', run.workspaceId)
    .execute();
}
