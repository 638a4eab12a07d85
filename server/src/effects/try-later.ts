import { effectBackoff } from '../domain/retry.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../store/database.ts';
import { postponeEffect, type LeasedEffect } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';

/** Has an effect tried again: after a growing wait, or when the forge wants to be asked again. */
export async function tryLater(
  deps: { readonly database: Database; readonly logger: Logger },
  effect: LeasedEffect,
  why: {
    readonly reason: string;
    /** What could not be done, for the log. */
    readonly what: string;
    readonly atLeastMs?: number | undefined;
  },
  signal: AbortSignal,
): Promise<undefined> {
  const { reason, what, atLeastMs = 0 } = why;
  const wait = Math.max(atLeastMs, backoffMs(effectBackoff, effect.attempts, Math.random()));
  deps.logger.warn({ taskId: effect.taskId, reason, inMs: Math.round(wait) }, `${what}; it is tried again`);
  await withPatience(signal, () => postponeEffect(deps.database, effect, wait, reason));
}
