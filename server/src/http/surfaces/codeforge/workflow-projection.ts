import {
  workflowRunStates,
  type WorkflowDefinition,
  type WorkflowRunState,
  type WorkflowStepState,
} from '../../../domain/workflow.ts';
import type { WorkflowRunRow } from '../../../services/list-workflow-runs.ts';
import type { ListedWorkflow } from '../../../services/list-workflows.ts';
import type { WorkflowRun, WorkflowStepRow } from '../../../services/show-workflow-run.ts';
import type { ShownWorkflow } from '../../../services/show-workflow.ts';
import type { RunBody, RunRowBody, RunStatus, WorkflowBody, WorkflowRowBody } from './workflow-schemas.ts';

/** A stored state in this window's words. */
export function runStatusOf(state: WorkflowRunState): RunStatus {
  return state === 'cancelled' ? 'canceled' : state;
}

/** The stored states that a word of this window stands for; none for a word that it does not have. */
export function runStatesOf(status: string): readonly WorkflowRunState[] {
  return workflowRunStates.filter((state) => runStatusOf(state) === status);
}

function stepStatusOf(state: WorkflowStepState): RunStatus | 'skipped' {
  return state === 'skipped' ? state : runStatusOf(state);
}

export function workflowRowOf({ createdAt, ...workflow }: ListedWorkflow): WorkflowRowBody {
  return {
    name: workflow.name,
    description: workflow.description,
    builtin: createdAt === undefined,
    steps: workflow.steps.map(({ name, type }) => ({ name, type })),
    parameters: workflow.parameters.map(({ name, required }) => ({ name, required })),
    ...momentOf('created_at', createdAt),
  };
}

export function workflowBodyOf({ shown, createdAt }: ShownWorkflow): WorkflowBody {
  return {
    name: shown.name,
    description: shown.description,
    builtin: createdAt === undefined,
    steps: shown.steps.map(({ name, type, config }) => ({ name, type, config: { ...config } })),
    parameters: shown.parameters.map(parameterOf),
    ...momentOf('created_at', createdAt),
  };
}

function parameterOf(
  parameter: WorkflowDefinition['parameters'][number],
): WorkflowBody['parameters'][number] {
  const { name, required, description, default: value, sensitive } = parameter;
  return {
    name,
    required,
    ...(description ? { description } : {}),
    ...(value === undefined ? {} : { default: value }),
    ...(sensitive === undefined ? {} : { sensitive }),
  };
}

export function runRowOf(run: WorkflowRunRow): RunRowBody {
  return {
    id: run.id,
    workflow_name: run.workflowName,
    status: runStatusOf(run.state),
    ...(run.failure === null ? {} : { error: run.failure }),
    created_at: run.createdAt.toISOString(),
    ...momentOf('started_at', run.startedAt),
    ...momentOf('finished_at', run.endedAt),
  };
}

export function runBodyOf(run: WorkflowRun, steps: readonly WorkflowStepRow[]): RunBody {
  const { id, workflow_name, status, ...rest } = runRowOf(run);
  return {
    id,
    workflow_name,
    status,
    params: { ...run.params },
    steps: steps.map(stepOf),
    ...rest,
    trace_id: run.traceId,
  };
}

/** What a task came to is the task's to tell. */
function stepOf(step: WorkflowStepRow): RunBody['steps'][number] {
  return {
    step_name: step.name,
    step_type: step.kind,
    status: stepStatusOf(step.state),
    ...(step.outputs === null || step.kind === 'task' ? {} : { result: { ...step.outputs } }),
    ...(step.taskId === null ? {} : { task_id: step.taskId }),
    ...(step.error === null ? {} : { error: step.error }),
    ...momentOf('started_at', step.startedAt),
    ...momentOf('finished_at', step.endedAt),
  };
}

/** What the stream of a run says last. */
export function runDoneData(run: WorkflowRun): object {
  return {
    run_id: run.id,
    status: runStatusOf(run.state),
    ...(run.failure === null ? {} : { error: run.failure }),
  };
}

function momentOf<Name extends string>(
  name: Name,
  at: Date | null | undefined,
): { readonly [Key in Name]?: string } {
  return at ? ({ [name]: at.toISOString() } as { [Key in Name]?: string }) : {};
}
