import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { readWorkspacePage, type WorkspacePage } from '../store/workspaces.ts';

export type { WorkspacePage, WorkspaceRow } from '../store/workspaces.ts';

export type ListWorkspacesDeps = {
  readonly database: Database;
  /** After so many days without use a workspace expires. */
  readonly days: number;
};

/** Workspaces that lie on some worker's disk, newest first: the viewer's own, or all for an administrator. */
export function createListWorkspacesService({ database, days }: ListWorkspacesDeps) {
  return (
    viewer: Viewer,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<WorkspacePage> => readWorkspacePage(database, viewer, { ...page, days });
}
