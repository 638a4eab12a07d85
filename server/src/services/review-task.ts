import type { Agent } from '../agents/agent.ts';
import { invalidField, Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Database } from '../store/database.ts';
import { reviewTask } from '../store/review-task.ts';
import { findTask, type Task, type TaskReference, type Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { idempotencyMismatch, keptRequestOf } from './idempotency.ts';
import { modelProblem } from './task-options.ts';
import { TaskStateRefusal } from './task-state-refusal.ts';

/** Who is to review, checked at the edge for form; undefined: the server's default, and its own model. */
export type ReviewOrder = {
  readonly agent?: string;
  readonly model?: string;
  readonly idempotencyKey?: string;
};

/** The names of an order's fields, as the caller knows them. */
export type ReviewFields = { readonly agent: string; readonly model: string };

export type ReviewTask = (
  viewer: Viewer,
  reference: TaskReference,
  order: ReviewOrder,
  fields: ReviewFields,
) => Promise<{ readonly id: string }>;

export type ReviewTaskDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly policy: {
    readonly defaultAgent: string;
    readonly timeoutSeconds: number;
    /** What a script runs to review; undefined: the command of the task. */
    readonly command: string | undefined;
  };
};

const route = 'review';

/**
 * Has the finished work of a task reviewed, before the instructions that wait, and wakes a worker. With an
 * idempotency key the same order is one review, however often it is sent.
 *
 * @throws Refusal `invalid` (an agent that there is not, before the task is looked for), `not_found`,
 * `idempotency_mismatch`, or `conflict`: as `TaskStateRefusal` with the stored state, or plain where somebody is
 * cancelling the task.
 */
export function createReviewTaskService(deps: ReviewTaskDeps): ReviewTask {
  return async (viewer, reference, order, fields) => {
    const name = order.agent ?? deps.policy.defaultAgent;
    const agent = deps.agents.get(name);
    if (agent === undefined) throw unknownAgent(fields.agent, name);
    const problem = modelProblem(order.model);
    if (problem !== undefined) throw invalidField(fields.model, problem);
    const task = await findTask(deps.database, viewer, reference);
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    refuseUnfit(agent, task, { command: deps.policy.command, fields });
    const runId = deps.ids.ordered();
    const { idempotencyKey, ...asked } = order;
    const answer = await reviewTask(deps.database, {
      taskId: task.id,
      runId,
      agent: agent.name,
      model: order.model ?? null,
      timeoutSeconds: deps.policy.timeoutSeconds,
      idempotency: keptRequestOf(viewer, { route, key: idempotencyKey, taskId: task.id, asked }),
    });
    switch (answer.kind) {
      case 'unknown':
        throw new Refusal('not_found', 'task not found');
      case 'mismatch':
        throw idempotencyMismatch();
      case 'refused':
        if (answer.cancelling) throw new Refusal('conflict', 'task is being canceled, cannot review');
        throw new TaskStateRefusal(answer.state);
      case 'reviewing':
        if (answer.added) {
          deps.faults.reach('review.stored');
          deps.wakeups.wake('run', runId);
          deps.wakeups.wake('stream', task.id);
        }
        return { id: task.id };
    }
  };
}

function unknownAgent(field: string, name: string): Refusal {
  return invalidField(field, `unknown CLI: ${name.slice(0, 100)}`);
}

/** A script needs a command to review with. */
function refuseUnfit(
  agent: Agent,
  { id, options, prompt }: Task,
  {
    command = options.command,
    fields,
  }: { readonly command: string | undefined; readonly fields: ReviewFields },
): void {
  const about = { taskId: id, runId: id, iteration: 1, prompt };
  const refusal = agent.refuse({
    ...about,
    ...(command === undefined ? {} : { command }),
  });
  if (refusal !== undefined) throw invalidField(fields.agent, refusal.message);
}
