import type { EffectKind } from '../domain/effect-state.ts';
import { waitFor } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import { silentTelemetry, type Telemetry } from '../lib/telemetry.ts';
import type { Database } from '../store/database.ts';
import {
  leaseEffect,
  postponeEffect,
  releaseOwnEffects,
  type EffectOf,
  type LeasedEffect,
} from '../store/effects.ts';
import { readEffectState } from '../store/effect-state.ts';
import { withPatience } from '../store/patience.ts';
import { wakeWorkflow, type Wakeups } from '../store/wakeups.ts';
import { createEffectTelemetry, type EffectTelemetry } from './effect-telemetry.ts';

/** Backstop for wake-ups that got lost, and for effects whose time to be tried again has come. */
const pollMs = 1_000;

/**
 * How many effects are done at a time. A callback and a request of a workflow wait for a stranger's server, and cost
 * a socket: however many of them there are, they take no place of what delivers work.
 */
const lanes: readonly Omit<Lane, 'effects'>[] = [
  { kinds: ['push', 'pull_request', 'review'], places: 4 },
  { kinds: ['workflow_step'], places: 16 },
  { kinds: ['callback'], places: 16 },
];

/** Kinds of effects that share places, and those that are under way. */
type Lane = {
  readonly kinds: readonly EffectKind[];
  readonly places: number;
  readonly effects: Map<string, Promise<void>>;
};

/**
 * Does one kind of effect. It looks first whether the world already has it, so anybody may repeat it, and
 * it settles the effect itself; it rejects only for what nobody foresaw.
 */
export type EffectHandler<Kind extends EffectKind> = (
  effect: EffectOf<Kind>,
  signal: AbortSignal,
) => Promise<void>;

export type EffectHandlers = { readonly [Kind in EffectKind]: EffectHandler<Kind> };

export type OutboxDeps = {
  readonly workerId: string;
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly logger: Logger;
  readonly hold: (effect: { effectId: string; generation: number; onLost: () => void }) => () => void;
  readonly handlers: EffectHandlers;
  readonly afterLease: (kind: EffectKind) => void;
  readonly telemetry?: Telemetry;
};

export type Outbox = { readonly run: (signal: AbortSignal) => Promise<void> };

/** Takes due effects, a few at a time, until the signal is aborted; what is under way then is waited for. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const active: readonly Lane[] = lanes.map((lane) => ({
    ...lane,
    effects: new Map<string, Promise<void>>(),
  }));
  const watch = createEffectTelemetry(deps.telemetry ?? silentTelemetry);
  let wake = Promise.withResolvers<void>();
  const rouse = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };

  const fill = async ({ kinds, places, effects }: Lane, signal: AbortSignal): Promise<void> => {
    while (effects.size < places && !signal.aborted) {
      const wanted = { kinds, attended: [...effects.keys()] };
      const effect = await leaseEffect(deps.database, deps.workerId, wanted);
      if (effect === undefined) return;
      deps.afterLease(effect.kind);
      const done = handle({ ...deps, watch }, effect, signal).finally(() => {
        effects.delete(effect.effectId);
        rouse();
      });
      effects.set(effect.effectId, done);
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
          for (const lane of active) {
            await fill(lane, signal).catch((error: unknown) =>
              deps.logger.warn({ error: String(error) }, 'effects could not be taken; trying again'),
            );
          }
          await waitFor(woken, pollMs, signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        unlisten();
        await Promise.all(active.flatMap(({ effects }) => [...effects.values()]));
      }
    },
  };
}

function perform<Kind extends EffectKind>(
  handlers: EffectHandlers,
  effect: EffectOf<Kind>,
  signal: AbortSignal,
): Promise<void> {
  return handlers[effect.kind](effect, signal);
}

/** What it is about, for the log. */
function subjectOf(effect: LeasedEffect): object {
  return effect.kind === 'workflow_step'
    ? { workflowRunId: effect.workflowRunId }
    : { taskId: effect.taskId };
}

/** After an error that nobody foresaw. */
const retryMs = 5_000;

/** One effect under its lease; after an unforeseen error it is tried again. */
async function handle(
  deps: OutboxDeps & { readonly watch: EffectTelemetry },
  effect: LeasedEffect,
  signal: AbortSignal,
): Promise<void> {
  const tell = deps.watch.begin(effect);
  const lost = new AbortController();
  const letGo = deps.hold({
    effectId: effect.effectId,
    generation: effect.generation,
    onLost: () => lost.abort(new Error('the lease on the effect was lost')),
  });
  try {
    await perform(deps.handlers, effect, AbortSignal.any([signal, lost.signal]));
    const left = await readEffectState(deps.database, effect.effectId).catch(() => undefined);
    tell(left ?? 'unknown');
  } catch (error) {
    const isLetGo = signal.aborted || lost.signal.aborted;
    tell(isLetGo ? 'let_go' : 'error', lost.signal.aborted);
    if (isLetGo) return;
    deps.logger.error(
      { error: String(error), ...subjectOf(effect), traceId: effect.traceId, kind: effect.kind },
      'an effect failed unexpectedly; it is tried again',
    );
    // Where this fails too, the lease lapses.
    await postponeEffect(deps.database, effect, retryMs, 'an internal error').catch(() => undefined);
  } finally {
    letGo();
    deps.wakeups.wake('stream', effect.streamId);
    if (effect.workflowRunId !== null) wakeWorkflow(deps.wakeups, effect.workflowRunId);
  }
}
