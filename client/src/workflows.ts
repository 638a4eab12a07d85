import type {
  CreatedWorkflow,
  DeletedWorkflow,
  RunWorkflowInput,
  StartedWorkflowRun,
  Workflow,
  WorkflowInput,
  WorkflowList,
} from './api-types.ts';
import type { CreateOptions, RequestOptions } from './request-options.ts';
import { idempotent, pathPart, read, type Transport } from './transport.ts';
import { createWorkflowRuns, type WorkflowRuns } from './workflow-runs.ts';

/** The values of a run's parameters, by their names. */
export type WorkflowParams = NonNullable<RunWorkflowInput['params']>;

/** Steps that are done one after the other: requests, tasks, pull requests. */
export type Workflows = {
  /** The built-in ones, then one's own. */
  readonly list: (options?: RequestOptions) => Promise<WorkflowList>;
  readonly get: (name: string, options?: RequestOptions) => Promise<Workflow>;
  /** Keeps a workflow under a name of its own; a taken name is a 409. */
  readonly create: (input: WorkflowInput, options?: CreateOptions) => Promise<CreatedWorkflow>;
  /** Deletes a workflow; its runs go on. */
  readonly delete: (name: string, options?: RequestOptions) => Promise<DeletedWorkflow>;
  /** Starts a run; as often as it is sent with one key, once. */
  readonly run: (
    name: string,
    params?: WorkflowParams,
    options?: CreateOptions,
  ) => Promise<StartedWorkflowRun>;
  readonly runs: WorkflowRuns;
};

export function createWorkflows(transport: Transport): Workflows {
  return {
    list: ({ signal } = {}) => transport.json(read('api/v1/workflows', signal)),
    get: async (name, { signal } = {}) => transport.json(read(workflowPath(name), signal)),
    create: (input, options = {}) => transport.json(idempotent('api/v1/workflows', input, options)),
    // Done twice, the second would be told that there is no such workflow.
    delete: async (name, { signal } = {}) =>
      transport.json({ method: 'DELETE', path: workflowPath(name), repeatable: false, signal }),
    run: async (name, params = {}, options = {}) =>
      transport.json(idempotent(`${workflowPath(name)}/run`, { params }, options)),
    runs: createWorkflowRuns(transport),
  };
}

function workflowPath(name: string): string {
  return `api/v1/workflows/${pathPart(name)}`;
}
