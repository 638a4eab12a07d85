import type { EventType } from '../domain/event.ts';
import type { StoredEvent } from '../store/events.ts';
import type { Viewer } from '../store/tasks.ts';
import type { EventFollower } from './follow-events.ts';

export type { StoredEvent } from '../store/events.ts';

/** What following something brings: batches of events in order, and at the end that it is at rest. */
export type News<Subject> =
  | { readonly kind: 'events'; readonly events: readonly StoredEvent[] }
  /** Nothing happens any more by itself, and every event up to here has been given out. */
  | { readonly kind: 'rest'; readonly subject: Subject };

/** What has a log of its own: a task, a workflow run. */
export type Followed = { readonly id: string; readonly lastEventId: number };

/** Follows one from behind an event until it is at rest. */
export type FollowUntilRest<Subject> = (
  viewer: Viewer,
  subject: Subject,
  afterId: number,
  signal: AbortSignal,
) => AsyncGenerator<News<Subject>, void, undefined>;

export type FollowUntilRestDeps<Subject> = {
  readonly follower: EventFollower;
  /** The subject with its last event, read in one snapshot; undefined where the viewer may not see it any more. */
  readonly find: (viewer: Viewer, id: string) => Promise<Subject | undefined>;
  readonly rests: (subject: Subject) => boolean;
  /** Events that may have brought it to rest; after any other one the state need not be read. */
  readonly mayBringRest: ReadonlySet<EventType>;
};

/** How often the state is read where no event asks for it, in case one is missing among those that should. */
const backstopMs = 15_000;
/** How long one read of the state serves all who follow the same. */
const sharedLookMs = 1_000;

/**
 * Follows something from behind an event until it is at rest; the caller has just seen it as `subject`.
 * State and last event are read in one snapshot, and a change of state commits with its event: so `rest`
 * is said exactly when it rests and nothing of its log is left, never in the middle of a replay.
 * Ends early when the signal is aborted or the viewer may not see it any more.
 *
 * @throws whatever the database throws; the follower may come back with the last id that it got.
 */
export function createFollowUntilRest<Subject extends Followed>({
  follower,
  find,
  rests,
  mayBringRest,
}: FollowUntilRestDeps<Subject>): FollowUntilRest<Subject> {
  const look = createSharedLook(find);

  return async function* followUntilRest(viewer, subject, afterId, signal) {
    // An id from the future (of a database that was restored, say) must not hide what happens next.
    let cursor = Math.min(afterId, subject.lastEventId);
    let due = rests(subject);
    const seenAt = subject.lastEventId;
    let lookedAt = performance.now();
    for await (const events of follower.follow(subject.id, cursor, signal)) {
      if (events.length > 0) {
        yield { kind: 'events', events };
        cursor = events.at(-1)?.id ?? cursor;
        due ||= events.some((event) => mayBringRest.has(event.type));
      }
      if (!due && performance.now() - lookedAt < backstopMs) continue;
      // Nor may a state from before what the caller saw: a task at rest that was instructed since does not rest.
      const found = await look(viewer, subject.id, Math.max(cursor, seenAt));
      lookedAt = performance.now();
      if (found === undefined) return;
      due = rests(found);
      if (due && cursor >= found.lastEventId) {
        yield { kind: 'rest', subject: found };
        return;
      }
    }
  };
}

/**
 * Reads a subject at least as new as an event that is known of. A thousand followers who saw the same event
 * share one read; a read that was begun before the event does not count.
 */
function createSharedLook<Subject extends Followed>(find: FollowUntilRestDeps<Subject>['find']) {
  const looks = new Map<string, Promise<Subject | undefined>>();

  const begin = (key: string, viewer: Viewer, id: string): Promise<Subject | undefined> => {
    const look = find(viewer, id);
    looks.set(key, look);
    const forget = setTimeout(() => {
      if (looks.get(key) === look) looks.delete(key);
    }, sharedLookMs);
    forget.unref();
    return look;
  };

  return async (viewer: Viewer, id: string, cursor: number): Promise<Subject | undefined> => {
    const key = `${id} ${viewer.isAdmin ? 'admin' : viewer.userId}`;
    let tooOld: Promise<Subject | undefined> | undefined;
    for (;;) {
      const shared = looks.get(key);
      if (shared === undefined || shared === tooOld) return begin(key, viewer, id);
      const found = await shared;
      if (found === undefined || found.lastEventId >= cursor) return found;
      tooOld = shared;
    }
  };
}
