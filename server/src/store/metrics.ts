import { liveRunStates } from '../domain/run-state.ts';
import { restingTaskStates, taskStates } from '../domain/task-state.ts';
import type { Database } from './database.ts';

/** What all processes do together, as the database has it now. What is missing is zero. */
export type WorkFigures = {
  /** Of the states in which a task does not rest. */
  readonly tasks: readonly { readonly state: string; readonly count: number }[];
  /** Runs that could begin. */
  readonly queues: readonly {
    readonly queue: string;
    readonly count: number;
    readonly oldestSeconds: number;
  }[];
  readonly liveRuns: readonly { readonly state: string; readonly count: number }[];
  /** Runs whose agent is at work. */
  readonly agents: readonly { readonly agent: string; readonly count: number }[];
  /** `oldestSeconds`: since somebody wanted it. */
  readonly effects: readonly {
    readonly kind: string;
    readonly state: string;
    readonly count: number;
    readonly oldestSeconds: number;
  }[];
  /** Of this database's whole life. A transaction that was rolled back leaves a gap, which counts too. */
  readonly events: number;
};

type Row = {
  readonly part: 'task' | 'queue' | 'live' | 'agent' | 'effect' | 'event';
  readonly name: string;
  readonly state: string;
  readonly count: number;
  readonly oldest: number;
};

export const movingTaskStates = taskStates.filter(
  (state) => !restingTaskStates.some((resting) => resting === state),
);

/**
 * One statement for all figures. Tasks, runs and open effects are read from indexes that hold little more than
 * what is counted (`tasks_by_state`, `runs_queued`, `runs_live`, `effects_open`, `effects_failed`), so they cost what is under
 * way and not what has ever been. A step of a workflow that failed has ended its run, as it should: nobody has to
 * see to it. The events are counted by their sequence, without a look at the table.
 */
const figuresText = `
  select 'task' as part, '' as name, state, count(*) as count, 0::float8 as oldest
    from tasks where state = any($1::text[]) group by state
  union all
  select 'queue', queue, '', count(*), extract(epoch from now() - min(available_at))::float8
    from runs where state = 'queued' and available_at <= now() group by queue
  union all
  select 'live', '', state, count(*), 0
    from runs where state in (${liveRunStates.map((state) => `'${state}'`).join(', ')}) group by state
  union all
  select 'agent', agent, '', count(*), 0 from runs where state = 'running' group by agent
  union all
  select 'effect', kind, state, count(*), extract(epoch from now() - min(created_at))::float8
    from effects where state in ('waiting', 'leased') group by kind, state
  union all
  select 'effect', kind, 'failed', count(*), 0
    from effects where state = 'failed' and kind <> 'workflow_step' group by kind
  union all
  select 'event', '', '', coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'id')::regclass), 0), 0`;

/** Reads the figures. */
export async function readWorkFigures(database: Database): Promise<WorkFigures> {
  const rows = await database.statement<Row>({ name: 'work-figures', text: figuresText }, [movingTaskStates]);
  const partOf = (part: Row['part']): readonly Row[] => rows.filter((row) => row.part === part);
  return {
    tasks: partOf('task'),
    queues: partOf('queue').map(({ name, count, oldest }) => ({ queue: name, count, oldestSeconds: oldest })),
    liveRuns: partOf('live'),
    agents: partOf('agent').map(({ name, count }) => ({ agent: name, count })),
    effects: partOf('effect').map(({ name, state, count, oldest }) => ({
      kind: name,
      state,
      count,
      oldestSeconds: oldest,
    })),
    events: partOf('event')[0]?.count ?? 0,
  };
}
