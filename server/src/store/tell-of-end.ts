import type { Transaction } from 'kysely';
import { wantCallback, type CallbackWish } from './callbacks.ts';
import type { Tables } from './tables.ts';
import { advanceWorkflowOf } from './workflow-of-task.ts';

/**
 * In the transaction that ends an iteration of a task, or a review of it, after the task's row has its last state
 * and before it goes on: tells the workflow run that waits for it, and whoever wants to be called back.
 */
export async function tellOfEnd(
  tx: Transaction<Tables>,
  taskId: string,
  wish: CallbackWish = {},
): Promise<void> {
  await advanceWorkflowOf(tx, taskId);
  await wantCallback(tx, taskId, wish);
}
