import { isName } from '../domain/key.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import {
  countWorkflowRuns,
  readWorkflowRunPage,
  type WorkflowRunFilter,
  type WorkflowRunRow,
} from '../store/workflow-list.ts';

export type { WorkflowRunRow } from '../store/workflow-list.ts';

export type WorkflowRunQuery = WorkflowRunFilter & { readonly limit: number; readonly offset: number };

export type WorkflowRunPage = { readonly rows: readonly WorkflowRunRow[]; readonly total: number };

/** A page of the workflow runs that the viewer may see, newest first, and how many match in all. */
export function createListWorkflowRunsService({ database }: { readonly database: Database }) {
  return async (viewer: Viewer, query: WorkflowRunQuery): Promise<WorkflowRunPage> => {
    const { workflowName, states } = query;
    const isNobodys = workflowName !== undefined && !isName(workflowName);
    if (isNobodys || states?.length === 0) return { rows: [], total: 0 };
    const rows = await readWorkflowRunPage(database, viewer, query);
    return { rows, total: await countWorkflowRuns(database, viewer, query) };
  };
}
