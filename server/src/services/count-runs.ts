import type { RunState } from '../domain/run-state.ts';
import type { Meter } from '../lib/metrics.ts';

/** The states that a run can end in. */
export type RunOutcome = Exclude<RunState, 'queued' | 'preparing' | 'running' | 'collecting'>;

/** What counts the ends of runs: whoever records one, a worker or the sweeper, tells it here. */
export function createRunCounter(meter: Meter): (outcome: RunOutcome) => void {
  const count = meter.counter({
    name: 'slipway_runs_ended_total',
    help: 'Runs whose end this process has recorded, by outcome.',
    labels: ['outcome'],
  });
  return (outcome) => count({ outcome });
}
