import type { DeletedWorkspace, Operations, WorkspaceList } from './api-types.ts';
import type { RequestOptions } from './request-options.ts';
import { pathPart, read, type Transport } from './transport.ts';

/** Which page of the workspaces. */
export type WorkspaceQuery = Operations['listWorkspaces']['query'];

/** The trees that tasks work in, as far as they lie on a disk. */
export type Workspaces = {
  readonly list: (query?: WorkspaceQuery, options?: RequestOptions) => Promise<WorkspaceList>;
  /** Removes the files of a task's workspace; its work is kept. While the task is at work it is a 409. */
  readonly delete: (taskId: string, options?: RequestOptions) => Promise<DeletedWorkspace>;
};

export function createWorkspaces(transport: Transport): Workspaces {
  return {
    list: (query = {}, { signal } = {}) =>
      transport.json({ ...read('api/v1/workspaces', signal), query: { ...query } }),
    delete: async (taskId, { signal } = {}) =>
      transport.json({
        method: 'DELETE',
        path: `api/v1/workspaces/${pathPart(taskId)}`,
        repeatable: false,
        signal,
      }),
  };
}
