import { delay } from '../lib/abort.ts';
import { remembered } from '../lib/remembered.ts';
import type { Database } from '../store/database.ts';
import { readQueueSizes, type QueueSizes } from '../store/queue-room.ts';
import { readDatabaseClock } from '../store/sweep.ts';

export type Health = {
  /** Whether the store answers, and whether the queue and the events, which lie in it, can be read. */
  readonly store: boolean;
  readonly queue: boolean;
  /** Runs that wait, by queue; none where the queue cannot be read. */
  readonly waiting: QueueSizes;
  readonly workspaceDiskBytes: number;
  readonly uptimeSeconds: number;
};

export type ReadHealthDeps = {
  readonly database: Database;
  /** The disk that workspaces take up, on all hosts. */
  readonly workspaceDiskBytes: () => Promise<number>;
  /** Seconds since the server started. */
  readonly uptimeSeconds: () => number;
};

/** A part that has not answered by then is down. */
const answerWithinMs = 2_000;
/** Anybody may ask without a credential, so asking often costs no more than asking once a second. */
const rememberedMs = 1_000;
/** Sizes change at the ends of runs; the sum is of a table that keeps what has ever been. */
const diskRememberedMs = 5_000;
const nothingWaits: QueueSizes = { tasks: 0, reviews: 0, follow_ups: 0 };

/** How the parts of the server are. Never rejects. */
export function createReadHealthService(deps: ReadHealthDeps) {
  const probe = remembered(rememberedMs, async () => {
    const [clock, waiting] = await Promise.all([
      answerOf(() => readDatabaseClock(deps.database)),
      answerOf(() => readQueueSizes(deps.database)),
    ]);
    return { store: clock !== undefined, queue: waiting !== undefined, waiting: waiting ?? nothingWaits };
  });
  let lastDiskBytes = 0;
  const measureDisk = remembered(diskRememberedMs, async () => {
    lastDiskBytes = await deps.workspaceDiskBytes().catch(() => lastDiskBytes);
  });

  return async (): Promise<Health> => {
    const disk = measureDisk();
    const parts = await probe();
    // A sum that is late holds up no answer: until it is there, the one before stands.
    await Promise.race([disk, new Promise((resolve) => setTimeout(resolve, 100))]);
    return { ...parts, workspaceDiskBytes: lastDiskBytes, uptimeSeconds: deps.uptimeSeconds() };
  };
}

/** Undefined: there was none, or none in time. */
async function answerOf<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  const answered = new AbortController();
  const nothing = (): undefined => undefined;
  const inTime = ask().catch(nothing);
  const late = delay(answerWithinMs, answered.signal).then(nothing, nothing);
  const result = await Promise.race([inTime, late]);
  answered.abort();
  return result;
}
