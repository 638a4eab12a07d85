import type {
  StepOutputs,
  WorkflowParams,
  WorkflowRunState,
  WorkflowStepKind,
  WorkflowStepState,
} from '../domain/workflow.ts';
import type { Database } from './database.ts';
import type { Viewer } from './tasks.ts';

/** A workflow run as lists show it. */
export type WorkflowRunRow = {
  readonly id: string;
  readonly workflowName: string;
  readonly state: WorkflowRunState;
  readonly failure: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
};

/** One run, without its steps. */
export type WorkflowRun = WorkflowRunRow & {
  /** With sensitive values masked. */
  readonly params: WorkflowParams;
  readonly traceId: string;
  readonly lastEventId: number;
};

export type WorkflowStepRow = {
  readonly name: string;
  readonly kind: WorkflowStepKind;
  readonly state: WorkflowStepState;
  readonly taskId: string | null;
  readonly outputs: StepOutputs | null;
  readonly error: string | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
};

/** Undefined: any; `states` may be empty, which finds nothing. */
export type WorkflowRunFilter = {
  readonly workflowName: string | undefined;
  readonly states: readonly WorkflowRunState[] | undefined;
};

/** A page, newest first. Its numbers are found in an index first, as those of tasks are. */
export async function readWorkflowRunPage(
  database: Database,
  viewer: Viewer,
  page: WorkflowRunFilter & { readonly limit: number; readonly offset: number },
): Promise<readonly WorkflowRunRow[]> {
  const numbers = visibleRuns(database, viewer, page)
    .select('number')
    .orderBy('number', 'desc')
    .limit(page.limit)
    .offset(page.offset);
  return database.kysely
    .selectFrom('workflow_runs')
    .select(rowColumns)
    .where('number', 'in', numbers)
    .orderBy('number', 'desc')
    .execute();
}

/** How many there are on all pages. */
export async function countWorkflowRuns(
  database: Database,
  viewer: Viewer,
  filter: WorkflowRunFilter,
): Promise<number> {
  const row = await visibleRuns(database, viewer, filter)
    .select((all) => all.fn.countAll<number>().as('total'))
    .executeTakeFirst();
  return row?.total ?? 0;
}

/** The run, or undefined where it does not exist or is none of the viewer's business: the same answer. */
export async function findWorkflowRun(
  database: Database,
  viewer: Viewer,
  id: string,
): Promise<WorkflowRun | undefined> {
  const row = await visibleRuns(database, viewer, { workflowName: undefined, states: undefined })
    .select([
      ...rowColumns,
      'params',
      'trace_id as traceId',
      (select) =>
        select
          .selectFrom('events')
          .select((all) => all.fn.max('events.id').as('last'))
          .whereRef('events.stream_id', '=', 'workflow_runs.id')
          .as('lastEventId'),
    ])
    .where('id', '=', id)
    .executeTakeFirst();
  return row && { ...row, lastEventId: row.lastEventId ?? 0 };
}

/** The steps of a run that somebody may see, in their order. */
export async function readWorkflowSteps(
  database: Database,
  runId: string,
): Promise<readonly WorkflowStepRow[]> {
  return database.kysely
    .selectFrom('workflow_steps')
    .select([
      'name',
      'kind',
      'state',
      'task_id as taskId',
      'outputs',
      'error',
      'started_at as startedAt',
      'ended_at as endedAt',
    ])
    .where('run_id', '=', runId)
    .orderBy('position')
    .execute();
}

const rowColumns = [
  'id',
  'workflow_name as workflowName',
  'state',
  'failure',
  'created_at as createdAt',
  'started_at as startedAt',
  'ended_at as endedAt',
] as const;

function visibleRuns(database: Database, viewer: Viewer, { workflowName, states }: WorkflowRunFilter) {
  let visible = database.kysely.selectFrom('workflow_runs');
  if (!viewer.isAdmin) visible = visible.where('owner_id', '=', viewer.userId);
  if (workflowName !== undefined) visible = visible.where('workflow_name', '=', workflowName);
  if (states !== undefined) visible = visible.where('state', 'in', [...states]);
  return visible;
}
