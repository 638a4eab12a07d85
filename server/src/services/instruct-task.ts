import { Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { publishesByItself } from '../domain/publishes-by-itself.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Database } from '../store/database.ts';
import { instructTask } from '../store/instruct-task.ts';
import { findTask, type TaskReference } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { idempotencyMismatch, keptRequestOf } from './idempotency.ts';
import { requireAbility, type Actor } from './require-ability.ts';
import { TaskStateRefusal } from './task-state-refusal.ts';

export type Instruction = {
  /** Checked at the edge. */
  readonly prompt: string;
  readonly idempotencyKey?: string;
};

export type InstructedTask = { readonly id: string; readonly iteration: number };

export type InstructTaskDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
};

const route = 'instruct';

/**
 * Gives a finished task its next instruction, and wakes a worker. Instructions that wait are done in order.
 * With an idempotency key the same instruction is added once, however often it is sent.
 *
 * @throws Refusal `not_found`, `forbidden` where the task publishes by itself, `idempotency_mismatch`, or `conflict`:
 * as `TaskStateRefusal` with the stored state, or plain where somebody is cancelling the task.
 */
export function createInstructTaskService(deps: InstructTaskDeps) {
  return async (
    actor: Actor,
    reference: TaskReference,
    { prompt, idempotencyKey }: Instruction,
  ): Promise<InstructedTask> => {
    const task = await findTask(deps.database, actor, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    if (publishesByItself({ publish: task.publish, ...task.options })) requireAbility(actor, 'git:push');
    const runId = deps.ids.ordered();
    const idempotency = keptRequestOf(actor, { route, key: idempotencyKey, taskId: task.id, asked: prompt });
    const answer = await instructTask(deps.database, { taskId: task.id, runId, prompt, idempotency });
    switch (answer.kind) {
      case 'unknown':
        throw new Refusal('not_found', 'task not found');
      case 'mismatch':
        throw idempotencyMismatch();
      case 'refused':
        if (answer.cancelling && answer.state !== 'cancelled') {
          throw new Refusal('conflict', 'task is being canceled, cannot instruct');
        }
        throw new TaskStateRefusal(answer.state);
      case 'instructed':
        if (answer.added) {
          deps.faults.reach('instruct.stored');
          deps.wakeups.wake('run', runId);
          deps.wakeups.wake('stream', task.id);
        }
        return { id: task.id, iteration: answer.iteration };
    }
  };
}
