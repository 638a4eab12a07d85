import { effectKinds } from '../domain/effect-state.ts';
import { liveRunStates, runQueues } from '../domain/run-state.ts';
import type { Meter, Samples } from '../lib/metrics.ts';
import { remembered } from '../lib/remembered.ts';
import type { Database } from '../store/database.ts';
import { movingTaskStates, readWorkFigures, type WorkFigures } from '../store/metrics.ts';

/** Whoever looks often costs no more than who looks once a second. */
const rememberedMs = 1_000;
/** A database that has not answered by then is away, and its figures are left out. */
const answerWithinMs = 2_000;

/** The states of a task in which a worker, or the outbox, is at work on it. */
const inProgress: readonly string[] = ['cloning', 'running', 'reviewing', 'creating_pr'];
const openEffectStates = ['waiting', 'leased', 'failed'] as const;

/** Lets the meter show what lies in the database, which all processes share, and the pool of this one. */
export function measureWork(database: Database, meter: Meter): void {
  const figures = createFigures(database);
  meter.watch(
    { type: 'gauge', name: 'slipway_database_up', help: 'Whether the database answers: 1 or 0.' },
    async () => [{ labels: {}, value: (await figures()) === undefined ? 0 : 1 }],
  );
  watchTasks(meter, figures);
  watchQueues(meter, figures);
  watchEffects(meter, figures);
  meter.watch(
    {
      type: 'counter',
      name: 'slipway_events_appended_total',
      help: 'Events written to the log by all processes, by the last number that was given out.',
    },
    async () => one((await figures())?.events),
  );
  watchPool(meter, database);
}

type Figures = () => Promise<WorkFigures | undefined>;

/** Undefined where the database is away or late; the statement that is late is then not sent a second time. */
function createFigures(database: Database): Figures {
  const read = remembered(rememberedMs, () => readWorkFigures(database).catch(() => undefined));
  return async () => {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), answerWithinMs);
    try {
      return await Promise.race([read(), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function watchTasks(meter: Meter, figures: Figures): void {
  meter.watch(
    {
      type: 'gauge',
      name: 'codeforge_tasks_in_progress',
      help: 'Tasks that are being cloned, run, reviewed or published.',
    },
    async () =>
      one(
        (await figures())?.tasks
          .filter((row) => inProgress.includes(row.state))
          .reduce((sum, row) => sum + row.count, 0),
      ),
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_tasks',
      help: 'Tasks by state, of those that do not rest.',
      labels: ['state'],
    },
    async () => {
      const rows = (await figures())?.tasks;
      return rows === undefined ? [] : byState(movingTaskStates, rows);
    },
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_runs_live',
      help: 'Runs that a worker holds, by state.',
      labels: ['state'],
    },
    async () => {
      const rows = (await figures())?.liveRuns;
      return rows === undefined ? [] : byState(liveRunStates, rows);
    },
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_agents_live',
      help: 'Agents that are at work, by agent; one that is not at work has no line.',
      labels: ['agent'],
    },
    async () =>
      (await figures())?.agents.map(({ agent, count }) => ({ labels: { agent }, value: count })) ?? [],
  );
}

function watchQueues(meter: Meter, figures: Figures): void {
  const read = async (value: (row: WorkFigures['queues'][number]) => number): Promise<Samples<'queue'>> => {
    const rows = (await figures())?.queues;
    if (rows === undefined) return [];
    return runQueues.map((queue) => {
      const row = rows.find((one) => one.queue === queue);
      return { labels: { queue }, value: row === undefined ? 0 : value(row) };
    });
  };
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_queue_runs',
      help: 'Runs that wait and could begin, by queue.',
      labels: ['queue'],
    },
    () => read((row) => row.count),
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_queue_oldest_seconds',
      help: 'How long the run that has waited longest could have begun, by queue; 0 where none waits.',
      labels: ['queue'],
    },
    () => read((row) => row.oldestSeconds),
  );
}

type EffectRow = WorkFigures['effects'][number];

function watchEffects(meter: Meter, figures: Figures): void {
  const read = async (
    states: readonly EffectRow['state'][],
    value: (row: EffectRow) => number,
  ): Promise<Samples<'kind' | 'state'>> => {
    const rows = (await figures())?.effects;
    if (rows === undefined) return [];
    return effectKinds.flatMap((kind) =>
      states.map((state) => {
        const row = rows.find((one) => one.kind === kind && one.state === state);
        return { labels: { kind, state }, value: row === undefined ? 0 : value(row) };
      }),
    );
  };
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_effects',
      help: 'Deliveries and workflow steps that are not done, by kind and state; a step that failed has ended its run and is none.',
      labels: ['kind', 'state'],
    },
    () => read(openEffectStates, (row) => row.count),
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_effects_oldest_seconds',
      help: 'The age of the oldest effect that waits or is being done, by kind and state; 0 where there is none.',
      labels: ['kind', 'state'],
    },
    () => read(['waiting', 'leased'], (row) => row.oldestSeconds),
  );
}

function watchPool(meter: Meter, database: Database): void {
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_database_connections',
      help: "Connections of this process's pool, by whether a statement has them.",
      labels: ['state'],
    },
    () => {
      const { open, idle } = database.poolUse();
      return [
        { labels: { state: 'busy' }, value: open - idle },
        { labels: { state: 'idle' }, value: idle },
      ];
    },
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_database_waiting',
      help: 'Statements of this process that wait for a connection of the pool.',
    },
    () => one(database.poolUse().waiting),
  );
}

function one(value: number | undefined): Samples<never> {
  return value === undefined ? [] : [{ labels: {}, value }];
}

function byState(
  states: readonly string[],
  rows: readonly { readonly state: string; readonly count: number }[],
): Samples<'state'> {
  return states.map((state) => ({
    labels: { state },
    value: rows.find((row) => row.state === state)?.count ?? 0,
  }));
}
