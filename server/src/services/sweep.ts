import { leaseSeconds } from '../domain/deadlines.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { delay } from '../lib/abort.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import { expireApproval } from '../store/approvals.ts';
import { expireCallback } from '../store/callbacks.ts';
import { expireReview } from '../store/settle-review.ts';
import type { Database } from '../store/database.ts';
import { readDatabaseClock, sweepRun, sweepTask, type DatabaseClock } from '../store/sweep.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { findForgottenTask } from '../store/workflow-cancel.ts';
import { sweepWorkflowRun } from '../store/workflow-sweep.ts';
import { wakeAfterDecision } from './answer-approval.ts';
import { cancellableStates, createStopTask } from './cancel-task.ts';
import type { RunOutcome } from './count-runs.ts';

const everyMs = 1_000;
/** One pass takes no longer, so that looks at the clock stay close together. */
const passMs = 1_000;
/** Looks that lie further apart mean that somebody stood still: this process, the host or the database. */
const steadyGapSeconds = leaseSeconds / 2;

export type SweeperDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly logger: Logger;
  readonly countRun?: (outcome: RunOutcome) => void;
};

/**
 * Acts on deadlines that have passed and on leases that have lapsed, and on nothing else. Every process
 * with a database runs one; the rows' locks keep them apart.
 *
 * It acts only when it has looked at the database every few seconds for one whole lease, and the database
 * has been up for as long. Before that a living worker may not have had the chance to renew: after a start,
 * while PostgreSQL recovers or is frozen, when a host wakes up from its sleep. Healthy runs would be ended.
 */
export function createSweeper(deps: SweeperDeps): { readonly run: (signal: AbortSignal) => Promise<void> } {
  let steadiness = createSteadiness();

  const pass = async (signal: AbortSignal): Promise<void> => {
    if (!steadiness.look(await readDatabaseClock(deps.database))) return;
    const until = performance.now() + passMs;
    while (!signal.aborted && performance.now() < until) {
      const swept =
        (await sweepOneRun(deps)) ||
        (await sweepOneTask(deps)) ||
        (await sweepOneReview(deps)) ||
        (await sweepOneWorkflowRun(deps)) ||
        (await stopForgottenTask(deps)) ||
        (await sweepOneCallback(deps));
      if (!swept) return;
    }
  };
  /** No lease is behind a question: its time is up when it is up. */
  const passQuestions = async (signal: AbortSignal): Promise<void> => {
    const until = performance.now() + passMs;
    while (!signal.aborted && performance.now() < until) if (!(await expireOne(deps))) return;
  };

  return {
    async run(signal) {
      while (!signal.aborted) {
        await passQuestions(signal)
          .then(() => pass(signal))
          .catch((error: unknown) => {
            steadiness = createSteadiness();
            deps.logger.warn({ error: String(error) }, 'sweeping failed; trying again');
          });
        await delay(everyMs, signal).catch(() => undefined);
      }
    },
  };
}

/** Tells from looks at the database's clock whether everybody had a whole lease's time to renew. */
export function createSteadiness(): { readonly look: (clock: DatabaseClock) => boolean } {
  let since: number | undefined;
  let last: number | undefined;
  return {
    look({ nowSeconds, upSeconds }) {
      const gap = nowSeconds - (last ?? nowSeconds);
      if (since === undefined || gap < 0 || gap > steadyGapSeconds) since = nowSeconds;
      last = nowSeconds;
      return upSeconds >= leaseSeconds && nowSeconds - since >= leaseSeconds;
    },
  };
}

/** A question that nobody answered in time is denied. False: there was nothing to do. */
async function expireOne(deps: SweeperDeps): Promise<boolean> {
  const expired = await expireApproval(deps.database, deps.ids);
  if (expired === undefined) return false;
  deps.faults.reach('answer.decided');
  deps.logger.info(expired, 'nobody answered a question in time; it is denied');
  wakeAfterDecision(deps.wakeups, expired);
  return true;
}

/** False: there was nothing to do. */
async function sweepOneRun(deps: SweeperDeps): Promise<boolean> {
  const swept = await sweepRun(deps.database, deps.ids.ordered());
  if (swept === undefined) return false;
  deps.logger.warn(swept, 'a run whose worker was lost was ended');
  // The task is what `failed`, when the lost run was its last attempt.
  deps.countRun?.(swept.ended === 'cancelled' ? 'cancelled' : 'lost');
  deps.wakeups.wake('stream', swept.taskId);
  if (swept.ended === 'lost') deps.wakeups.wake('run', swept.runId);
  return true;
}

async function sweepOneTask(deps: SweeperDeps): Promise<boolean> {
  const taskId = await sweepTask(deps.database);
  if (taskId === undefined) return false;
  deps.logger.warn({ taskId }, 'a task waited past its deadline and was ended');
  deps.wakeups.wake('stream', taskId);
  return true;
}

async function sweepOneReview(deps: SweeperDeps): Promise<boolean> {
  const taskId = await expireReview(deps.database);
  if (taskId === undefined) return false;
  deps.logger.warn({ taskId }, 'a review waited past its deadline to be posted and was given up');
  deps.wakeups.wake('stream', taskId);
  return true;
}

async function sweepOneCallback(deps: SweeperDeps): Promise<boolean> {
  const taskId = await expireCallback(deps.database);
  if (taskId === undefined) return false;
  deps.logger.warn({ taskId }, 'a callback waited past its deadline and was given up');
  return true;
}

async function sweepOneWorkflowRun(deps: SweeperDeps): Promise<boolean> {
  const swept = await sweepWorkflowRun(deps.database);
  if (swept === undefined) return false;
  const { runId: workflowRunId, taskId } = swept;
  deps.logger.warn({ workflowRunId }, 'a workflow run waited past a deadline and was ended');
  deps.wakeups.wake('stream', workflowRunId);
  if (taskId !== null) await createStopTask(deps)(taskId);
  return true;
}

/** Who cancelled its workflow run died before it could cancel the task. */
async function stopForgottenTask(deps: SweeperDeps): Promise<boolean> {
  const taskId = await findForgottenTask(deps.database, cancellableStates);
  if (taskId === undefined) return false;
  await createStopTask(deps)(taskId);
  return true;
}
