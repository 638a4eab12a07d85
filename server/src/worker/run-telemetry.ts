import type { FailurePhase } from '../domain/failure.ts';
import { longSeconds } from '../lib/metrics.ts';
import type { Telemetry } from '../lib/telemetry.ts';
import { placeOf, traceparentOf } from '../lib/traceparent.ts';
import type { Span, SpanEnd, Tracer } from '../lib/tracer.ts';
import { createRunCounter, type RunOutcome } from '../services/count-runs.ts';
import type { ClaimedRun } from '../store/claim-run.ts';

/** What a worker tells of its runs: numbers for the meter, and the spans of a run in its task's trace. */
export type RunTelemetry = {
  /** The run was claimed, for the first time. */
  readonly claimed: (run: ClaimedRun) => void;
  /** Does a phase's work and passes on its end; `explain` tells the span of what was thrown. */
  readonly phase: <Result>(
    run: ClaimedRun,
    phase: FailurePhase,
    work: () => Promise<Result>,
    explain: (error: unknown) => SpanEnd,
  ) => Promise<Result>;
  /** The run's end is recorded. `code`: of the failure. */
  readonly ended: (run: ClaimedRun, outcome: RunOutcome, code?: string) => void;
  /** The run is somebody else's by now. */
  readonly lost: () => void;
  /** What the agent's process gets to hang its own spans below the run's, as W3C Trace Context has it. */
  readonly traceparentOf: (run: ClaimedRun) => string;
};

/**
 * Makes it. The span of a run is recorded with its end, by whatever process saw it; those of its phases hang
 * below it by the run's id, so the phases of two processes come together. A process that is killed takes the
 * span of its phase with it, no more.
 */
export function createRunTelemetry({ meter, tracer }: Telemetry): RunTelemetry {
  const measure = createMeasure(meter);
  const countEnd = createRunCounter(meter);
  return {
    claimed(run) {
      measure.waited({ queue: run.queue }, Math.max(0, secondsBetween(run.availableAt, run.startedAt)));
      const wait = tracer.begin('wait for a worker', {
        parent: placeOf(run.traceId, run.runId),
        at: run.availableAt,
        attributes: { ...attributesOf(run), 'slipway.run.queue': run.queue },
      });
      wait.end({ at: run.startedAt });
    },
    async phase(run, phase, work, explain) {
      const span = beginPhase(tracer, run, phase);
      const begun = performance.now();
      let end: SpanEnd = {};
      try {
        return await work();
      } catch (thrown) {
        end = explain(thrown);
        throw thrown;
      } finally {
        // Of a run that was taken over, nobody knows here how long the phase had lasted before.
        if (run.generation === 1) measure.phase({ phase }, (performance.now() - begun) / 1_000);
        span.end(end);
      }
    },
    ended(run, outcome, code) {
      countEnd(outcome);
      if (code !== undefined) measure.failed({ code });
      const span = tracer.begin(`run ${run.kind}`, {
        parent: placeOf(run.traceId, run.taskId),
        place: placeOf(run.traceId, run.runId),
        kind: 'consumer',
        at: run.availableAt,
        attributes: { ...attributesOf(run), 'slipway.run.outcome': outcome },
      });
      span.end(code === undefined ? {} : { error: code });
    },
    lost: () => measure.lost({ kind: 'run' }),
    traceparentOf: (run) => traceparentOf(placeOf(run.traceId, run.runId), tracer.isOn),
  };
}

function createMeasure(meter: Telemetry['meter']) {
  return {
    waited: meter.histogram({
      name: 'slipway_run_wait_seconds',
      help: 'From when a run could begin until this process claimed it, by queue.',
      labels: ['queue'],
      buckets: longSeconds,
    }),
    phase: meter.histogram({
      name: 'slipway_run_phase_duration_seconds',
      help: 'How long the phases of runs took that this process saw as a whole: prepare, agent, collect.',
      labels: ['phase'],
      buckets: longSeconds,
    }),
    failed: meter.counter({
      name: 'slipway_run_failures_total',
      help: 'Failures of runs that this process has recorded, by code.',
      labels: ['code'],
    }),
    lost: meter.counter({
      name: 'slipway_leases_lost_total',
      help: 'Runs and effects that somebody else took while this process was at work on them.',
      labels: ['kind'],
    }),
  };
}

function beginPhase(tracer: Tracer, run: ClaimedRun, phase: FailurePhase): Span {
  const attributes = { ...attributesOf(run), 'slipway.run.phase': phase };
  const parent = placeOf(run.traceId, run.runId);
  if (phase !== 'agent') return tracer.begin(phase, { parent, attributes });
  // By the semantic conventions for generative AI.
  const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': run.agent };
  return tracer.begin(`invoke_agent ${run.agent}`, { parent, attributes: { ...attributes, ...agent } });
}

function attributesOf(run: ClaimedRun) {
  return {
    'slipway.task.id': run.taskId,
    'slipway.run.id': run.runId,
    'slipway.run.iteration': run.iteration,
    'slipway.run.attempt': run.attempt,
    // Above 1, another process had the run before.
    'slipway.run.generation': run.generation,
    'slipway.agent': run.agent,
  };
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1_000;
}
