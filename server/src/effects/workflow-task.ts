import { everyAbility } from '../domain/ability.ts';
import type { ToolDefinition, ToolRequest } from '../domain/tool.ts';
import { placeOf } from '../lib/traceparent.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { CreatedTask, Submission, SubmissionFields } from '../services/create-task.ts';
import { nativeFields } from '../services/native-fields.ts';
import type { Actor } from '../services/require-ability.ts';
import { findIdempotencyKey } from '../store/create-task.ts';
import { isAdministrator } from '../store/owners.ts';
import type { Database } from '../store/database.ts';
import { StepFailure } from '../workflows/step-failure.ts';
import type { TaskOrder } from '../workflows/step-order.ts';
import { findStepKey, openStepKey } from './step-key.ts';
import type { StepAbout } from './workflow-step.ts';

export type StepTaskDeps = {
  readonly database: Database;
  readonly createTask: (
    actor: Actor,
    submission: Submission,
    fields: SubmissionFields,
  ) => Promise<CreatedTask>;
  readonly keyRing: KeyRing;
  readonly findTool: (name: string) => Promise<ToolDefinition | undefined>;
};

const idempotencyRoute = 'workflows';

/**
 * Creates the task of a step, for the owner of the run and with their rights. Its idempotency key is made of the
 * step, so that a step which is begun again finds the task that is there.
 *
 * @throws StepFailure, or Refusal as creating a task does.
 */
export function createStepTask(deps: StepTaskDeps) {
  return async (order: TaskOrder, about: StepAbout): Promise<string> => {
    const { ownerId, runId, position } = about;
    const idempotencyKey = `${runId}:${position}`;
    // Before anything is looked at that may have changed since the task was created: its tools, the step's key.
    const made = await findIdempotencyKey(deps.database, ownerId, idempotencyRoute, idempotencyKey);
    if (made !== undefined) return made.taskId;
    const isAdmin = about.mayBeAdministrator && (await isAdministrator(deps.database, ownerId));
    // What it takes to begin the run was asked for then.
    const actor = { userId: ownerId, isAdmin, abilities: everyAbility };
    const { kind: _kind, taskKind, workspaceStep, toolKey, tools, mcpServers, ...given } = order;
    const task = await deps.createTask(
      actor,
      {
        ...given,
        source: 'workflow',
        kind: taskKind,
        publish: 'manual',
        workflow: { runId, position },
        idempotencyKey,
        idempotencyRoute,
        trace: placeOf(about.traceId, runId),
        ...workspaceOf(about, workspaceStep),
        ...(mcpServers.length === 0 ? {} : { mcpServers }),
        ...(tools.length === 0 ? {} : { tools: await withKey(deps, ownerId, { tools, toolKey }) }),
      },
      nativeFields,
    );
    return task.id;
  };
}

function workspaceOf(
  { tasks }: StepAbout,
  workspaceStep: string | undefined,
): Pick<Submission, 'workspaceTask'> {
  if (workspaceStep === undefined) return {};
  const id = tasks.get(workspaceStep);
  if (id === undefined) throw new StepFailure(`the step ${workspaceStep} has no task`);
  return { workspaceTask: { id } };
}

/** The tools with the key's token in the place of secrets that they need and were not given. */
async function withKey(
  deps: StepTaskDeps,
  ownerId: string,
  { tools, toolKey }: { readonly tools: readonly ToolRequest[]; readonly toolKey: string | undefined },
): Promise<readonly ToolRequest[]> {
  if (toolKey === undefined) return tools;
  const key = await findStepKey(deps.database, ownerId, toolKey);
  const token = openStepKey(deps.keyRing, key);
  return Promise.all(
    tools.map(async (request) => {
      // A token goes to its own provider's tool and to no other.
      const tool = request.name === key.provider ? await deps.findTool(request.name) : undefined;
      const lacking = (tool?.requiredConfig ?? []).filter(
        ({ name, type }) => type === 'secret' && !request.config[name],
      );
      const filled = lacking.map(({ name }) => [name, token.reveal()] as const);
      return { ...request, config: { ...request.config, ...Object.fromEntries(filled) } };
    }),
  );
}
