import type { FollowUntilRest } from '../services/follow-until-rest.ts';
import type { WorkflowRunPage, WorkflowRunQuery } from '../services/list-workflow-runs.ts';
import type { ListedWorkflow } from '../services/list-workflows.ts';
import type { Actor } from '../services/require-ability.ts';
import type { StartedRun, WorkflowOrder } from '../services/run-workflow.ts';
import type { Viewer } from '../services/show-task.ts';
import type { WorkflowRun, WorkflowStepRow } from '../services/show-workflow-run.ts';
import type { ShownWorkflow } from '../services/show-workflow.ts';

/** What requests cause or read of workflows and their runs. */
export type WorkflowServices = {
  readonly create: (
    viewer: Viewer,
    body: unknown,
    mayBeRepeat: boolean,
  ) => Promise<{ readonly name: string }>;
  readonly list: (viewer: Viewer) => Promise<readonly ListedWorkflow[]>;
  readonly show: (viewer: Viewer, name: string) => Promise<ShownWorkflow>;
  readonly remove: (viewer: Viewer, name: string) => Promise<void>;
  readonly run: (actor: Actor, order: WorkflowOrder) => Promise<StartedRun>;
  readonly runs: {
    readonly list: (viewer: Viewer, query: WorkflowRunQuery) => Promise<WorkflowRunPage>;
    readonly show: (viewer: Viewer, id: string) => Promise<WorkflowRun>;
    /** Of a run that the caller has been shown. */
    readonly steps: (runId: string) => Promise<readonly WorkflowStepRow[]>;
    readonly follow: FollowUntilRest<WorkflowRun>;
    readonly cancel: (viewer: Viewer, id: string) => Promise<void>;
    /** All of a workflow; gives how many. */
    readonly cancelAll: (viewer: Viewer, workflowName: string) => Promise<number>;
  };
};
