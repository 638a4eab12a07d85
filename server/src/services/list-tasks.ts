import type { TaskState } from '../domain/task-state.ts';
import type { Database } from '../store/database.ts';
import { countTasks, readTaskPage, type TaskRow, type Viewer } from '../store/tasks.ts';

export type { TaskRow } from '../store/tasks.ts';

/** `states` undefined: all of them; empty: none, which finds nothing. */
export type TaskListQuery = {
  readonly states: readonly TaskState[] | undefined;
  readonly limit: number;
  readonly offset: number;
};

export type TaskPage = { readonly rows: readonly TaskRow[]; readonly total: number };

type Total = { readonly count: number; readonly countedAt: number };

/** Up to here a total is counted for every page: it costs about a millisecond. */
const countedEachTime = 5_000;
/** A larger total serves everybody who asks the same for so long: counting 100,000 tasks takes 15 ms. */
const sharedForMs = 2_000;
const rememberedTotals = 1_000;

/**
 * A page of the tasks that the viewer may see, newest first, and how many match in all. A total above
 * 5,000 may be two seconds old; rows never are.
 */
export function createListTasksService(deps: { readonly database: Database }) {
  const totals = new Map<string, Total>();

  const totalOf = async (viewer: Viewer, query: TaskListQuery): Promise<number> => {
    const key = `${viewer.isAdmin ? 'all' : viewer.userId} ${query.states?.join(' ') ?? 'any'}`;
    const known = totals.get(key);
    if (known !== undefined && performance.now() - known.countedAt < sharedForMs) return known.count;
    const count = await countTasks(deps.database, viewer, query);
    if (totals.size >= rememberedTotals) totals.clear();
    if (count > countedEachTime) totals.set(key, { count, countedAt: performance.now() });
    else totals.delete(key);
    return count;
  };

  return async (viewer: Viewer, query: TaskListQuery): Promise<TaskPage> => {
    if (query.states?.length === 0) return { rows: [], total: 0 };
    const rows = await readTaskPage(deps.database, viewer, query);
    return { rows, total: await totalOf(viewer, query) };
  };
}
