import { waitFor } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../store/database.ts';
import { leaseEffect, postponeEffect, releaseOwnEffects, type LeasedEffect } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import type { Wakeups } from '../store/wakeups.ts';

/** Backstop for wake-ups that got lost, and for effects whose time to be tried again has come. */
const pollMs = 1_000;
const concurrency = 4;

/**
 * Does one kind of effect. It looks first whether the world already has it, so anybody may repeat it, and
 * it settles the effect itself; it rejects only for what nobody foresaw.
 */
export type EffectHandler = (effect: LeasedEffect, signal: AbortSignal) => Promise<void>;

export type OutboxDeps = {
  readonly workerId: string;
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly logger: Logger;
  readonly hold: (effect: { effectId: string; generation: number; onLost: () => void }) => () => void;
  readonly handlers: Readonly<Record<LeasedEffect['kind'], EffectHandler>>;
  readonly afterLease: () => void;
};

export type Outbox = { readonly run: (signal: AbortSignal) => Promise<void> };

/** Takes due effects, a few at a time, until the signal is aborted; what is under way then is waited for. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const active = new Map<string, Promise<void>>();
  let wake = Promise.withResolvers<void>();
  const rouse = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };

  const fill = async (signal: AbortSignal): Promise<void> => {
    while (active.size < concurrency && !signal.aborted) {
      const effect = await leaseEffect(deps.database, deps.workerId, [...active.keys()]);
      if (effect === undefined) return;
      deps.afterLease();
      const done = handle(deps, effect, signal).finally(() => {
        active.delete(effect.effectId);
        rouse();
      });
      active.set(effect.effectId, done);
    }
  };

  return {
    async run(signal) {
      const unlisten = deps.wakeups.listen((told) => {
        if (told.topic === 'effect') rouse();
      });
      try {
        await withPatience(signal, () => releaseOwnEffects(deps.database, deps.workerId));
        while (!signal.aborted) {
          const woken = wake.promise;
          await fill(signal).catch((error: unknown) =>
            deps.logger.warn({ error: String(error) }, 'effects could not be taken; trying again'),
          );
          await waitFor(woken, pollMs, signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        unlisten();
        await Promise.all(active.values());
      }
    },
  };
}

/** After an error that nobody foresaw. */
const retryMs = 5_000;

/** One effect under its lease; after an unforeseen error it is tried again. */
async function handle(deps: OutboxDeps, effect: LeasedEffect, signal: AbortSignal): Promise<void> {
  const lost = new AbortController();
  const letGo = deps.hold({
    effectId: effect.effectId,
    generation: effect.generation,
    onLost: () => lost.abort(new Error('the lease on the effect was lost')),
  });
  try {
    await deps.handlers[effect.kind](effect, AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    if (signal.aborted || lost.signal.aborted) return;
    deps.logger.error(
      { error: String(error), taskId: effect.taskId, kind: effect.kind },
      'an effect failed unexpectedly; it is tried again',
    );
    // Where this fails too, the lease lapses.
    await postponeEffect(deps.database, effect, retryMs, 'an internal error').catch(() => undefined);
  } finally {
    letGo();
    deps.wakeups.wake('stream', effect.taskId);
  }
}
