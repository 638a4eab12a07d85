import type { TaskState } from '../domain/task-state.ts';
import type { Database } from '../store/database.ts';
import { readTaskOverviews, type Gone, type TaskOverview } from '../store/task-overviews.ts';
import type { Viewer } from '../store/tasks.ts';

/** `states` undefined: all of them. */
export type TaskOverviewQuery = {
  readonly states: readonly TaskState[] | undefined;
  readonly gone: Gone | undefined;
  readonly limit: number;
};

/** The newest tasks that the viewer may see, whatever window they came in by. */
export function createListTaskOverviewsService(deps: { readonly database: Database }) {
  return (viewer: Viewer, query: TaskOverviewQuery): Promise<readonly TaskOverview[]> =>
    readTaskOverviews(deps.database, viewer, query);
}
