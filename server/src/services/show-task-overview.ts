import type { EventType } from '../domain/event.ts';
import { Refusal } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import { findTaskOverview, type Gone, type WholeTaskOverview } from '../store/task-overviews.ts';
import type { TaskReference, Viewer } from '../store/tasks.ts';

export type { Gone, LoggedEvent, TaskOverview, WholeTaskOverview } from '../store/task-overviews.ts';

/** What is to be read beside the task: so many of the newest of its events of these types. */
export type OverviewWish = {
  readonly gone: Gone | undefined;
  readonly logged: readonly EventType[];
  readonly logLimit: number;
};

/**
 * One task as windows show it that know four states.
 *
 * @throws Refusal `not_found` where there is none, it is none of the viewer's business, or it is gone: nobody
 * learns which.
 */
export function createShowTaskOverviewService(deps: { readonly database: Database }) {
  return async (viewer: Viewer, reference: TaskReference, wish: OverviewWish): Promise<WholeTaskOverview> => {
    const task = await findTaskOverview(deps.database, viewer, { reference, ...wish });
    if (task === undefined) throw new Refusal('not_found', 'task not found');
    return task;
  };
}
