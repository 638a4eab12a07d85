import { waitFor } from '../lib/abort.ts';
import { isDatabaseAway, type Database } from '../store/database.ts';
import { readEvents, readHeads, type StoredEvent } from '../store/events.ts';
import type { Wakeups } from '../store/wakeups.ts';

/** Everybody who follows a stream in this process shares its reads. */
export type EventFollower = {
  /**
   * Events after `afterId`, in order, in batches, for as long as the signal allows: late join, resume and
   * live tail are this one path. An empty batch comes when a wake-up or the poll found nothing new; the
   * caller may look at the task's state then.
   */
  readonly follow: (
    streamId: string,
    afterId: number,
    signal: AbortSignal,
  ) => AsyncGenerator<readonly StoredEvent[], void, undefined>;
};

/** Events may have 32 KB each: this bounds what one late joiner costs in memory. */
const batchLimit = 200;
/** Backstop for wake-ups that got lost. */
const pollMs = 1_500;
/** What a tail remembers for followers that are a little behind: they need no read of their own. */
const rememberedEvents = 2_000;
const rememberedCharacters = 4_000_000;

/** What the followers of one stream share. */
type Tail = {
  followers: number;
  /**
   * The newest events, oldest first, all of those behind `from`. Undefined until the first follower has
   * caught up: nothing is read twice for one who joins late.
   */
  from: number | undefined;
  recent: { readonly event: StoredEvent; readonly characters: number }[];
  characters: number;
  /** The stream's newest number as the last poll saw it; undefined: look whatever it is. */
  head: number | undefined;
  /** Settles with the next look at the table. */
  next: PromiseWithResolvers<void>;
  reading: boolean;
  readAgain: boolean;
  /** Why the table cannot be read, where that is no outage: told to all who follow. */
  failure: Error | undefined;
};

/**
 * One tail a stream: a thousand clients of one task cost one read a wake-up, not a thousand. A follower
 * whose cursor lies before what the tail remembers reads the table itself until it has caught up.
 */
export function createEventFollower(database: Database, wakeups: Wakeups): EventFollower {
  const tails = new Map<string, Tail>();
  const poll = createPoll(database, tails);
  wakeups.listen((wake) => {
    const tail = wake.topic === 'stream' ? tails.get(wake.id) : undefined;
    if (tail !== undefined) void look(database, wake.id, tail);
  });

  const enter = (streamId: string): Tail => {
    const tail = tails.get(streamId) ?? newTail();
    tail.followers += 1;
    tails.set(streamId, tail);
    poll.start();
    return tail;
  };

  const leave = (streamId: string, tail: Tail): void => {
    tail.followers -= 1;
    if (tail.followers === 0) tails.delete(streamId);
    if (tails.size === 0) poll.stop();
  };

  return {
    async *follow(streamId, afterId, signal) {
      // The tail is entered before the first read, so nothing can fall between reading and waiting.
      const tail = enter(streamId);
      let cursor = afterId;
      try {
        while (!signal.aborted) {
          const changed = tail.next.promise;
          if (tail.failure !== undefined) throw tail.failure;
          const remembered = recentAfter(tail, cursor);
          const batch = remembered ?? (await readEvents(database, streamId, cursor, batchLimit));
          cursor = batch.at(-1)?.id ?? cursor;
          if (remembered === undefined && batch.length < batchLimit && tail.from === undefined) {
            tail.from = cursor;
            // For what came since this follower's own read began, whose wake-up found no memory to fill.
            void look(database, streamId, tail);
          }
          yield batch;
          if (batch.length === 0) await waitFor(changed, pollMs * 2, signal);
        }
      } finally {
        leave(streamId, tail);
      }
    },
  };
}

function newTail(): Tail {
  return {
    followers: 0,
    from: undefined,
    recent: [],
    characters: 0,
    head: undefined,
    next: Promise.withResolvers(),
    reading: false,
    readAgain: false,
    failure: undefined,
  };
}

/** One statement for all streams that somebody follows; only those that have moved are read. */
function createPoll(database: Database, tails: ReadonlyMap<string, Tail>) {
  let timer: NodeJS.Timeout | undefined;
  const pollOnce = async (): Promise<void> => {
    const heads = await readHeads(database, [...tails.keys()]);
    for (const [streamId, tail] of tails) {
      const head = heads.get(streamId);
      if (head === tail.head) continue;
      tail.head = head;
      void look(database, streamId, tail);
    }
  };
  return {
    start(): void {
      timer ??= setInterval(() => void pollOnce().catch(() => undefined), pollMs);
    },
    stop(): void {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** What the tail holds after the cursor; undefined when the cursor lies before its memory. */
function recentAfter({ from, recent }: Tail, cursor: number): readonly StoredEvent[] | undefined {
  if (from === undefined || cursor < from) return undefined;
  // From the end, where nearly all followers are.
  const seen = recent.findLastIndex(({ event }) => event.id <= cursor) + 1;
  return recent.slice(seen, seen + batchLimit).map(({ event }) => event);
}

/** Reads on from the newest remembered event and tells the followers; one look at a time. */
async function look(database: Database, streamId: string, tail: Tail): Promise<void> {
  tail.readAgain = true;
  if (tail.reading) return;
  tail.reading = true;
  try {
    while (tail.readAgain && tail.followers > 0) {
      tail.readAgain = false;
      const after = tail.recent.at(-1)?.event.id ?? tail.from;
      if (after !== undefined) {
        const batch = await readEvents(database, streamId, after, batchLimit);
        remember(tail, batch);
        if (batch.length === batchLimit) tail.readAgain = true;
      }
      tell(tail);
    }
  } catch (error) {
    // The next poll looks again. Followers outlast an outage: a thousand of them would all come back at once.
    tail.head = undefined;
    if (isDatabaseAway(error)) return;
    tail.failure = error instanceof Error ? error : new Error(String(error));
    tell(tail);
  } finally {
    tail.reading = false;
  }
}

function tell(tail: Tail): void {
  tail.next.resolve();
  tail.next = Promise.withResolvers();
}

function remember(tail: Tail, batch: readonly StoredEvent[]): void {
  for (const event of batch) {
    const characters = JSON.stringify(event.data).length;
    tail.recent.push({ event, characters });
    tail.characters += characters;
  }
  let forgotten = 0;
  while (
    tail.recent.length - forgotten > rememberedEvents ||
    (tail.characters > rememberedCharacters && forgotten < tail.recent.length - 1)
  ) {
    tail.characters -= tail.recent[forgotten]?.characters ?? 0;
    forgotten += 1;
  }
  const last = tail.recent.splice(0, forgotten).at(-1);
  if (last !== undefined) tail.from = last.event.id;
}
