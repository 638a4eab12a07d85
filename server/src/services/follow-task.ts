import type { EventType } from '../domain/event.ts';
import { isRestingTaskState } from '../domain/task-state.ts';
import type { Database } from '../store/database.ts';
import type { StoredEvent } from '../store/events.ts';
import { findTask, type Task, type Viewer } from '../store/tasks.ts';
import type { EventFollower } from './follow-events.ts';

export type { StoredEvent } from '../store/events.ts';

/** What following a task brings: batches of events in order, and at the end that it is at rest. */
export type TaskNews =
  | { readonly kind: 'events'; readonly events: readonly StoredEvent[] }
  /** Nothing happens any more by itself, and every event up to here has been given out. */
  | { readonly kind: 'rest'; readonly task: Task };

export type FollowTaskDeps = { readonly database: Database; readonly follower: EventFollower };

/** Events that may have brought the task to rest; after any other one the state need not be read. */
const mayBringRest: ReadonlySet<EventType> = new Set([
  'task_completed',
  'task_failed',
  'task_cancelled',
  'branch_pushed',
  'pull_request_opened',
  'pull_request_updated',
  'pull_request_replaced',
  'review_completed',
  'review_failed',
  'review_timeout',
  'review_canceled',
  'review_posted',
  'review_post_failed',
] satisfies EventType[]);

/** How often the state is read where no event asks for it, in case one is missing above. */
const backstopMs = 15_000;
/** How long one read of the state serves all who follow the task. */
const sharedLookMs = 1_000;

/**
 * Follows a task from behind an event until the task is at rest; the caller has just seen it as `task`.
 * State and last event are read in one snapshot, and a change of state commits with its event: so `rest`
 * is said exactly when the task rests and nothing of its log is left, never in the middle of a replay.
 * Ends early when the signal is aborted or the viewer may not see the task any more.
 *
 * @throws whatever the database throws; the follower may come back with the last id that it got.
 */
export function createFollowTaskService(deps: FollowTaskDeps) {
  const look = createSharedLook(deps.database);

  return async function* followTask(
    viewer: Viewer,
    task: Task,
    afterId: number,
    signal: AbortSignal,
  ): AsyncGenerator<TaskNews, void, undefined> {
    // An id from the future (of a database that was restored, say) must not hide what happens next.
    let cursor = Math.min(afterId, task.lastEventId);
    let due = rests(task);
    const seenAt = task.lastEventId;
    let lookedAt = performance.now();
    for await (const events of deps.follower.follow(task.id, cursor, signal)) {
      if (events.length > 0) {
        yield { kind: 'events', events };
        cursor = events.at(-1)?.id ?? cursor;
        due ||= events.some((event) => mayBringRest.has(event.type));
      }
      if (!due && performance.now() - lookedAt < backstopMs) continue;
      // Nor may a state from before what the caller saw: a task at rest that was instructed since does not rest.
      const found = await look(viewer, task.id, Math.max(cursor, seenAt));
      lookedAt = performance.now();
      if (found === undefined) return;
      due = rests(found);
      if (due && cursor >= found.lastEventId) {
        yield { kind: 'rest', task: found };
        return;
      }
    }
  };
}

/** A task whose review is still to be posted has not come to its end. */
function rests({ state, isPosting }: Pick<Task, 'state' | 'isPosting'>): boolean {
  return isRestingTaskState(state) && !isPosting;
}

/**
 * Reads a task at least as new as an event that is known of. A thousand followers who saw the same event
 * share one read; a read that was begun before the event does not count.
 */
function createSharedLook(database: Database) {
  const looks = new Map<string, Promise<Task | undefined>>();

  const begin = (key: string, viewer: Viewer, id: string): Promise<Task | undefined> => {
    const look = findTask(database, viewer, { id });
    looks.set(key, look);
    const forget = setTimeout(() => {
      if (looks.get(key) === look) looks.delete(key);
    }, sharedLookMs);
    forget.unref();
    return look;
  };

  return async (viewer: Viewer, id: string, cursor: number): Promise<Task | undefined> => {
    const key = `${id} ${viewer.isAdmin ? 'admin' : viewer.userId}`;
    let tooOld: Promise<Task | undefined> | undefined;
    for (;;) {
      const shared = looks.get(key);
      if (shared === undefined || shared === tooOld) return begin(key, viewer, id);
      const found = await shared;
      if (found === undefined || found.lastEventId >= cursor) return found;
      tooOld = shared;
    }
  };
}
