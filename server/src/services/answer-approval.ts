import { Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import { decideApproval, type DecidedApproval } from '../store/approvals.ts';
import type { Database } from '../store/database.ts';
import { findApproval, type Approval } from '../store/list-approvals.ts';
import { findTask, type TaskReference, type Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';

export type ApprovalAnswer = {
  readonly allow: boolean;
  /** For the agent and the record; empty: none. */
  readonly reason: string;
};

export type AnswerApprovalDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
};

/**
 * Answers one question of a task, and returns it as it then stands. The answer is durable when this returns;
 * the agent gets it from the worker that has its run.
 *
 * @throws Refusal `not_found` for the task or the question, `conflict` where it has been decided already (an
 * answer after its time is one of those: it has expired).
 */
export function createAnswerApprovalService(deps: AnswerApprovalDeps) {
  const find = async (viewer: Viewer, taskId: string, id: string): Promise<Approval> => {
    const approval = await findApproval(deps.database, viewer, { taskId, id });
    if (approval === undefined) throw new Refusal('not_found', 'approval not found');
    return approval;
  };

  return async (
    viewer: Viewer,
    reference: TaskReference,
    approvalId: string,
    answer: ApprovalAnswer,
  ): Promise<Approval> => {
    const task = await findTask(deps.database, viewer, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    await find(viewer, task.id, approvalId);
    const decision = await decideApproval(deps.database, {
      approvalId,
      decision: answer.allow ? 'allowed' : 'denied',
      by: viewer.userId,
      reason: answer.reason,
      ids: deps.ids,
    });
    deps.faults.reach('answer.decided');
    if (decision.kind === 'unknown') throw new Refusal('not_found', 'approval not found');
    if (decision.decided !== undefined) wakeAfterDecision(deps.wakeups, decision.decided);
    if (decision.kind === 'refused') {
      throw new Refusal('conflict', `approval is already ${decision.state}`);
    }
    return find(viewer, task.id, approvalId);
  };
}

/** Tells those who wait for a decision: the worker of the run that asked, one for a run that goes on, readers. */
export function wakeAfterDecision(wakeups: Wakeups, decided: DecidedApproval): void {
  wakeups.wake('answer', decided.runId);
  if (decided.resumedRunId !== undefined) wakeups.wake('run', decided.resumedRunId);
  wakeups.wake('stream', decided.taskId);
}
