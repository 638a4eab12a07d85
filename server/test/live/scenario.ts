import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { AgentEvent, AgentOutcome } from '../../src/agents/agent.ts';
import type { AgentFailureCode } from '../../src/domain/failure.ts';
import type { LiveAgentName } from './installed-clis.ts';
import type { LiveHouse } from './live-house.ts';
import { runLive, startLive, type LiveEnd, type LiveOptions, type LivingRun } from './live-run.ts';

/** A row of the matrix: something that every agent has to get right. */
export type LiveScenario = {
  /** A sentence of behaviour. */
  readonly name: string;
  readonly holds: (trial: Trial) => Promise<void>;
  /** Where a program can do it only in part, or not: what holds in its place. */
  readonly exceptions?: Readonly<Partial<Record<LiveAgentName, LiveException>>>;
};

export type LiveException = {
  /** The cell in the matrix. */
  readonly words: string;
  readonly holds: (trial: Trial) => Promise<void>;
};

/** One agent's go at a scenario. */
export type Trial = {
  readonly t: TestContext;
  readonly house: LiveHouse;
  readonly run: (options: LiveOptions) => Promise<LiveEnd>;
  readonly start: (options: LiveOptions) => Promise<LivingRun>;
};

export function makeTrial(t: TestContext, house: LiveHouse): Trial {
  return {
    t,
    house,
    run: (options) => runLive(t, house, options),
    start: (options) => startLive(t, house, options),
  };
}

/** The run ended well by the program's own word, and this is its result. */
export function assertDone(end: LiveEnd): Extract<AgentOutcome, { readonly kind: 'done' }> {
  assert.ok(end.outcome.kind === 'done', described(end));
  return end.outcome;
}

/** The run failed with this code, and a message for people; `retryable` where that is the program's to say. */
export function assertFailed(end: LiveEnd, code: AgentFailureCode, retryable?: boolean): void {
  const { outcome } = end;
  assert.ok(outcome.kind === 'failed', described(end));
  assert.equal(outcome.code, code, described(end));
  if (retryable !== undefined) assert.equal(outcome.retryable, retryable, described(end));
  assert.notEqual(outcome.message.trim(), '');
}

/** All texts of one type, joined. */
export function textsOf({ events }: LiveEnd, type: AgentEvent['type']): string {
  return events
    .filter((event) => event.type === type)
    .map(({ content }) => content)
    .join('\n');
}

/** For the message of an assertion: what a person would look at first. */
export function described({ outcome, exit, events, errors, notices }: LiveEnd): string {
  const shown = events.map(({ type, content }) => `${type}: ${content.slice(0, 300)}`);
  return JSON.stringify({ outcome, exit, notices, events: shown, errors: errors.slice(-2000) }, null, 1);
}

/** Both forms of driving a program: by arguments alone, and in a conversation in which all is allowed. */
export const forms: readonly Pick<LiveOptions, 'task' | 'answer'>[] = [
  {},
  { task: { approvals: 'ask' }, answer: () => ({ allow: true, reason: '' }) },
];
