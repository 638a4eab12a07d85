import { DatabaseSync } from 'node:sqlite';
import { delay } from './abort.ts';

const firstPauseMs = 5;
const maxPauseMs = 100;

/** SQLITE_BUSY: another connection holds the lock. */
const busy = 5;

/**
 * Waits for the lock that `path` (a file, created empty) stands for; whoever uses the same path in this or
 * another process of this host waits too. Disposing of what is returned gives it back.
 *
 * Node cannot lock files by itself. An exclusive transaction of SQLite on an empty database is a lock of the
 * kernel (0.15 ms): it goes with the process that holds it, however that ends, and so knows no stale state.
 * The file must never be removed while somebody may wait for it.
 */
export async function takeExclusiveLock(path: string, signal: AbortSignal): Promise<Disposable> {
  for (let pause = firstPauseMs; ; pause = Math.min(maxPauseMs, pause * 2)) {
    const lock = tryExclusiveLock(path);
    if (lock !== undefined) return lock;
    await delay(pause, signal);
  }
}

/** As `takeExclusiveLock`, but undefined at once when somebody holds it. */
export function tryExclusiveLock(path: string): Disposable | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return undefined;
    throw error;
  }
}
