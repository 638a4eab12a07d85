import { approvalStates } from '../domain/approval-state.ts';
import { Refusal } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import { listApprovals, type Approval } from '../store/list-approvals.ts';
import { findTask, type TaskReference, type Viewer } from '../store/tasks.ts';

export type { Approval } from '../store/list-approvals.ts';

/**
 * The newest 200 questions of one task, or all that wait for the viewer, oldest first. `state` narrows them;
 * an unknown one finds nothing.
 *
 * @throws Refusal `not_found` for the task.
 */
export function createListApprovalsService({ database }: { readonly database: Database }) {
  return {
    async ofTask(
      viewer: Viewer,
      reference: TaskReference,
      state: string | undefined,
    ): Promise<readonly Approval[]> {
      const task = await findTask(database, viewer, reference);
      if (task === undefined) throw new Refusal('not_found', 'task not found');
      if (state === undefined) return listApprovals(database, viewer, { taskId: task.id });
      const states = approvalStates.filter((known) => known === state);
      if (states.length === 0) return [];
      return listApprovals(database, viewer, { taskId: task.id, states });
    },
    waiting: (viewer: Viewer): Promise<readonly Approval[]> =>
      listApprovals(database, viewer, { states: ['waiting'] }),
  };
}
