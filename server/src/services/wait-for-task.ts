import { waitFor } from '../lib/abort.ts';
import type { Wakeups } from '../store/wakeups.ts';

/** Backstop for wake-ups that got lost. */
const pollMs = 1_000;

/**
 * Looks until there is something to see: whenever the task moved, or a second has passed. Undefined: there was
 * nothing within `waitMs`, or the signal was aborted.
 */
export async function waitForTask<Seen>(
  { wakeups, waitMs }: { readonly wakeups: Pick<Wakeups, 'listen'>; readonly waitMs: number },
  taskId: string,
  signal: AbortSignal,
  look: () => Promise<Seen | undefined>,
): Promise<Seen | undefined> {
  const until = performance.now() + waitMs;
  let moved = Promise.withResolvers<void>();
  const unlisten = wakeups.listen(({ topic, id }) => {
    if (topic !== 'stream' || id !== taskId) return;
    moved.resolve();
    moved = Promise.withResolvers();
  });
  try {
    for (;;) {
      // Taken before the look, so that nothing which comes during it is missed.
      const woken = moved.promise;
      const seen = await look();
      if (seen !== undefined) return seen;
      const left = until - performance.now();
      if (left <= 0 || signal.aborted) return undefined;
      await waitFor(woken, Math.min(pollMs, left), signal);
    }
  } finally {
    unlisten();
  }
}
