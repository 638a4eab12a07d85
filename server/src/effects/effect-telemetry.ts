import type { EffectState } from '../domain/effect-state.ts';
import { longSeconds, shortSeconds } from '../lib/metrics.ts';
import type { Telemetry } from '../lib/telemetry.ts';
import { placeOf } from '../lib/traceparent.ts';
import type { LeasedEffect } from '../store/effects.ts';

/**
 * How one attempt went: the state that the effect was left in (`waiting`: it is tried again), `error` for
 * what nobody foresaw, `let_go` where this process lost the lease or was stopped.
 */
export type AttemptResult = EffectState | 'error' | 'let_go' | 'unknown';

/** What the outbox tells of its attempts. What is returned tells the end of one, once. */
export type EffectTelemetry = {
  readonly begin: (effect: LeasedEffect) => (result: AttemptResult, isLeaseLost?: boolean) => void;
};

/** Numbers by kind, and a span for each attempt below the run that wanted it, or below the task. */
export function createEffectTelemetry({ meter, tracer }: Telemetry): EffectTelemetry {
  const count = meter.counter({
    name: 'slipway_effect_attempts_total',
    help: 'Attempts of this process at pushes, pull requests, reviews, workflow steps and callbacks, by kind and what came of them.',
    labels: ['kind', 'result'],
  });
  const observe = meter.histogram({
    name: 'slipway_effect_duration_seconds',
    help: 'How long attempts took, by kind.',
    labels: ['kind'],
    buckets: [...shortSeconds, ...longSeconds.filter((bound) => bound > 10)],
  });
  const countLost = meter.counter({
    name: 'slipway_leases_lost_total',
    help: 'Runs and effects that somebody else took while this process was at work on them.',
    labels: ['kind'],
  });
  return {
    begin(effect) {
      const { kind } = effect;
      const begun = performance.now();
      const span = tracer.begin(`effect ${kind}`, {
        parent: placeOf(effect.traceId, effect.runId ?? effect.streamId),
        kind: 'consumer',
        attributes: {
          ...(effect.kind === 'workflow_step'
            ? { 'slipway.workflow_run.id': effect.workflowRunId }
            : { 'slipway.task.id': effect.taskId }),
          ...(effect.runId === null ? {} : { 'slipway.run.id': effect.runId }),
          'slipway.effect.id': effect.effectId,
          'slipway.effect.kind': kind,
          'slipway.effect.attempt': effect.attempts,
        },
      });
      return (result, isLeaseLost = false) => {
        count({ kind, result });
        observe({ kind }, (performance.now() - begun) / 1_000);
        if (isLeaseLost) countLost({ kind: 'effect' });
        span.end({
          attributes: { 'slipway.effect.result': result },
          ...(result === 'failed' || result === 'error' ? { error: result } : {}),
        });
      };
    },
  };
}
