import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type {
  AgentAnswer,
  AgentCommand,
  AgentEvent,
  AgentOutcome,
  AgentQuestion,
  AgentReading,
  AgentSession,
  AgentTask,
} from '../../src/agents/agent.ts';
import type { LoggedRequest } from '../../src/demo/model-server/request-log.ts';
import type { Place } from '../../src/executors/executor.ts';
import type { Attached } from '../../src/supervisor/attach.ts';
import type { ExitRecord, Notice } from '../../src/supervisor/protocol.ts';
import { readClaim } from '../../src/supervisor/records.ts';
import { createConversation } from '../../src/worker/conversation.ts';
import { breakOff, followRun } from './follow-run.ts';
import { launchRun, longestRunMs } from './launch-run.ts';
import type { LiveHouse } from './live-house.ts';
import { createLedger } from './live-ledger.ts';
import { processesBelow, type SandboxProcess } from './sandbox-processes.ts';

export type LiveOptions = {
  readonly prompt: string;
  readonly task?: Partial<AgentTask>;
  /** A workspace to go on in; a new one where there is none. */
  readonly place?: Place;
  /** What a person says to a question; a promise that stays open is a person who does not answer. */
  readonly answer?: (question: AgentQuestion) => AgentAnswer | Promise<AgentAnswer>;
  /** Hosts that the way out leads to. */
  readonly allow?: readonly string[];
  /** Further files and folders of the host for the sandbox to read. */
  readonly readOnly?: readonly string[];
  /** Words of a system's program that runs the agent's: `strace` and its arguments. */
  readonly under?: readonly string[];
  /** A stand-in for the program prints this before it becomes the program. */
  readonly preface?: string;
};

/** A run that has been started. */
export type LivingRun = {
  readonly place: Place;
  readonly ended: Promise<LiveEnd>;
  /** The first event, past or to come, of which this is so. Rejects when the run ends without one. */
  readonly event: (what: string, is: (event: AgentEvent) => boolean) => Promise<AgentEvent>;
  /** The first question. */
  readonly question: () => Promise<AgentQuestion>;
  /** The first request to the model of which this is so. */
  readonly request: (is: (request: LoggedRequest) => boolean) => Promise<LoggedRequest>;
  /** As a person's cancel does: in the agent's own protocol, then by signal, then with the sandbox. */
  readonly cancel: () => void;
  readonly supervisor: SandboxProcess;
  /** All that is alive below it. */
  readonly processes: () => readonly SandboxProcess[];
};

export type LiveEnd = {
  readonly outcome: AgentOutcome;
  readonly exit: ExitRecord;
  readonly events: readonly AgentEvent[];
  readonly spend: AgentReading['spend'];
  readonly session: string | undefined;
  readonly version: string | undefined;
  readonly questions: readonly AgentQuestion[];
  readonly notices: readonly Notice[];
  /** Of the program's stdout and stderr, as the supervisor spooled them. */
  readonly output: string;
  readonly errors: string;
  readonly requests: readonly LoggedRequest[];
  readonly command: AgentCommand;
  /** The credential that the relay added, of this run alone. */
  readonly key: string;
  /** The supervisor's folder. */
  readonly folder: string;
  readonly place: Place;
  /** From the cancel until everything was gone and written down; undefined: it was not cancelled. */
  readonly cancelMs: number | undefined;
};

/** Runs an agent to its end. */
export async function runLive(t: TestContext, house: LiveHouse, options: LiveOptions): Promise<LiveEnd> {
  const run = await startLive(t, house, options);
  return run.ended;
}

/**
 * Starts an agent as the worker does, less the records: its command in a sandbox, a supervisor with a relay
 * to the scripted model, its lines through its reader, its questions answered.
 */
export async function startLive(t: TestContext, house: LiveHouse, options: LiveOptions): Promise<LivingRun> {
  const started = await launchRun(t, house, options);
  const { task, folder, place, key } = started;
  const conversation = createConversation(house.subject.agent.reader(task));
  const ledger = createLedger();
  const state: { supervisor?: Attached; cancelledAt?: number } = {};
  const supervisor = supervisorOf(folder);
  const ended = followRun({ house, options, started, conversation, ledger, state });
  // Who waits for an event learns of the failure too; nobody may wait for the end itself.
  ended.catch(() => undefined);
  const ours = ({ headers }: LoggedRequest): boolean =>
    headers['x-api-key'] === key || headers.authorization === `Bearer ${key}`;
  return {
    place,
    ended,
    event: (what, is) => Promise.race([ledger.first(is), failWith(ended, what)]),
    question: () => Promise.race([ledger.question, failWith(ended, 'a question')]),
    request: (is) => house.model.waitFor((one) => ours(one) && is(one), AbortSignal.timeout(longestRunMs)),
    cancel() {
      state.cancelledAt = performance.now();
      assert.ok(state.supervisor !== undefined, 'somebody is attached');
      breakOff(state.supervisor, conversation, ended);
    },
    supervisor,
    processes: () => processesBelow(supervisor.identity.pid),
  };
}

async function failWith(ended: Promise<LiveEnd>, what: string): Promise<never> {
  const { outcome, events, errors } = await ended;
  throw new Error(`The run ended without ${what}: ${JSON.stringify({ outcome, events, errors })}`);
}

function supervisorOf(folder: string): SandboxProcess {
  const claim = readClaim(folder);
  assert.ok(claim !== undefined && claim !== 'broken', 'the supervisor owns the folder');
  return { identity: claim.identity, argv: [] };
}

/** What a session has cost so far, by what the port handed out in its earlier runs. */
export function sessionAfter(...ends: readonly LiveEnd[]): AgentSession {
  const id = ends.findLast(({ session }) => session !== undefined)?.session;
  assert.ok(id !== undefined, 'the program told its conversation');
  const spent = ends.flatMap(({ spend }) => spend);
  const sum = (of: (one: AgentReading['spend'][number]) => number): number =>
    spent.reduce((total, one) => total + of(one), 0);
  return {
    id,
    spent: {
      inputTokens: sum((one) => one.inputTokens),
      outputTokens: sum((one) => one.outputTokens),
      cacheReadTokens: sum((one) => one.cacheReadTokens),
      cacheWriteTokens: sum((one) => one.cacheWriteTokens),
      microdollars: sum((one) => one.microdollars),
    },
  };
}
