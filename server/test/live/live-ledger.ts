import type { AgentEvent, AgentQuestion, AgentReading } from '../../src/agents/agent.ts';

export type Ledger = ReturnType<typeof createLedger>;

/** What was read, in the place of the worker's records. */
export function createLedger() {
  const events: AgentEvent[] = [];
  const spend: AgentReading['spend'][number][] = [];
  const questions: AgentQuestion[] = [];
  const first = Promise.withResolvers<AgentQuestion>();
  const watchers = new Set<(event: AgentEvent) => void>();
  let told: Pick<AgentReading, 'session' | 'version'> = {};
  return {
    question: first.promise,
    add(reading: AgentReading): void {
      events.push(...reading.events);
      spend.push(...reading.spend);
      questions.push(...reading.questions);
      const { session = told.session, version = told.version } = reading;
      told = {
        ...(session === undefined ? {} : { session }),
        ...(version === undefined ? {} : { version }),
      };
      const [question] = questions;
      if (question !== undefined) first.resolve(question);
      for (const event of reading.events) for (const watch of watchers) watch(event);
    },
    first: (is: (event: AgentEvent) => boolean): Promise<AgentEvent> =>
      new Promise((resolve) => {
        const watch = (event: AgentEvent): void => {
          if (!is(event)) return;
          watchers.delete(watch);
          resolve(event);
        };
        watchers.add(watch);
        for (const event of events) watch(event);
      }),
    sums: () => ({ events, spend, questions, session: told.session, version: told.version }),
  };
}
