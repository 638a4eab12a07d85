import type { FaultPoint } from '../../src/domain/fault-points.ts';
import type { SupervisorFaultPoint } from '../../src/supervisor/protocol.ts';
import type { SlipwaySettings } from '../support/slipway-process.ts';
import type { Person } from './kill-agents-person.ts';

/** Who is killed with signal 9 while a process stands still at a point. */
export type AgentVictim = 'server' | 'supervisor' | 'postgres';

export type AgentKill = {
  readonly point: FaultPoint | SupervisorFaultPoint;
  readonly victim: AgentVictim;
  /** From when on the point counts: a task passes many of them more than once. */
  readonly from: Moment;
  /** The attempt after the lost one asks again, and is parked for it once more. */
  readonly parksAgain?: true;
};

/** The task is created; it is idle after its first iteration, or its follow-up was lost; its question waits. */
export type Moment = 'created' | 'resting' | 'asked';

/** What a person does with one task, what kills it meets on its way, and what is there at its end. */
export type AgentStory = {
  readonly name: string;
  readonly settings: SlipwaySettings;
  readonly tell: (person: Person) => Promise<void>;
  readonly kills: readonly AgentKill[];
  readonly ending: AgentEnding;
};

export type AgentEnding = {
  readonly iterations: number;
  /** Cause and state of the runs where none was lost, in order. */
  readonly runs: readonly string[];
  /** What every line of `asked.txt` has to hold: one line a prompt. */
  readonly asked: readonly RegExp[];
  /** All of `answer.txt`. */
  readonly answer?: string;
  readonly questions: number;
  /** The stand-in's own count, in micro-dollars. */
  readonly microdollars: number;
};

type Point = AgentKill['point'];

function kills(from: Moment, victim: AgentVictim, points: readonly Point[]): readonly AgentKill[] {
  return points.map((point) => ({ point, victim, from }));
}

/** From the claim of a run that goes on in the tree that is there to the living agent. */
const starting: readonly Point[] = [
  'claim.claimed',
  'start.recorded',
  'supervisor.claimed',
  'supervisor.spawned',
  'start.supervised',
  'work.attached',
  'work.appended',
];

/** From the agent's end to the run's. */
const collecting: readonly Point[] = [
  'supervisor.ended',
  'supervisor.recorded',
  'work.exited',
  'collect.recorded',
  'collect.bundled',
  'collect.stored',
  'session.kept',
];

/** What lies between is the delivery of every task: see `kill.test.ts`. */
const delivering: readonly Point[] = ['finish.recorded', 'deliver.pushed', 'deliver.settled'];

const ask = { approvals: 'ask' } as const;
const dollarCent = 10_000;

const followedUp: AgentEnding = {
  iterations: 2,
  runs: ['first succeeded', 'follow_up succeeded'],
  asked: [/first/u, /second/u],
  questions: 0,
  microdollars: 2 * dollarCent,
};

/** The longest first: they are played two at a time. */
export const agentStories: readonly AgentStory[] = [
  {
    name: 'a question is allowed whose run is parked',
    settings: { SLIPWAY_APPROVAL_HOLD_SECONDS: '0' },
    async tell(person) {
      await person.create('once', ask);
      await person.seeParked();
      person.arrive('asked');
      await person.allowUntilEnd();
    },
    kills: [
      // Starting and collecting are gone through point by point by the follow-up: here, where a parked run differs.
      ...kills('created', 'server', [
        'question.recorded',
        'park.begun',
        'supervisor.recorded',
        'collect.stored',
        'session.kept',
        'park.stored',
        'park.recorded',
        'finish.recorded',
      ]),
      ...kills('asked', 'server', [
        'answer.decided',
        'claim.claimed',
        'start.supervised',
        'work.appended',
        'question.recorded',
        'answer.sent',
        'work.exited',
        'session.kept',
      ]),
      ...kills('created', 'supervisor', ['park.begun']),
      { point: 'question.recorded', victim: 'supervisor', from: 'asked', parksAgain: true },
      ...kills('created', 'postgres', ['park.begun', 'park.stored']),
      ...kills('asked', 'postgres', ['answer.decided']),
    ],
    ending: {
      iterations: 1,
      runs: ['first parked', 'resumed succeeded'],
      asked: [/once/u, /interrupted/u],
      answer: 'allowed\n',
      questions: 1,
      microdollars: 2 * dollarCent,
    },
  },
  {
    name: 'a follow-up goes on with its conversation',
    settings: {},
    async tell(person) {
      await person.create('first');
      await person.seeEnd(1);
      person.arrive('resting');
      await person.instruct('second');
    },
    kills: [
      ...kills('resting', 'server', ['instruct.stored', ...starting, ...collecting, ...delivering]),
      ...kills('resting', 'postgres', ['instruct.stored', 'work.appended', 'session.kept']),
    ],
    ending: followedUp,
  },
  {
    name: 'a follow-up whose supervisor dies goes on with its conversation',
    settings: {},
    async tell(person) {
      await person.create('first');
      await person.seeEnd(1);
      person.arrive('resting');
      // So long that its supervisor still lives when a busy machine comes to kill it.
      await person.instruct('second SLEEP');
    },
    kills: kills('resting', 'supervisor', ['start.supervised', 'work.appended', 'supervisor.ended']),
    ending: followedUp,
  },
  {
    name: 'a follow-up whose agent is lost begins again from what is kept',
    settings: {},
    async tell(person) {
      await person.create('first');
      await person.seeEnd(1);
      await person.instruct('second SLEEP');
      await person.killAgent();
      person.arrive('resting');
    },
    kills: kills('resting', 'server', [
      'claim.claimed',
      'prepare.refreshed',
      'prepare.cloned',
      'session.restored',
      'prepare.ready',
    ]),
    ending: {
      iterations: 2,
      runs: ['first succeeded', 'follow_up failed', 'retry succeeded'],
      asked: [/first/u, /second/u],
      questions: 0,
      microdollars: 2 * dollarCent,
    },
  },
  {
    name: 'a question is allowed while its process lives',
    settings: {},
    async tell(person) {
      await person.create('once', ask);
      await person.seeQuestion();
      person.arrive('asked');
      await person.allowUntilEnd();
    },
    kills: [
      // What comes before the question and behind the work is as in every story: see `kill.test.ts` too.
      ...kills('created', 'server', ['question.recorded']),
      ...kills('asked', 'server', ['answer.decided', 'answer.sent', 'work.exited', 'collect.stored']),
      ...kills('created', 'supervisor', ['question.recorded']),
      ...kills('asked', 'supervisor', ['answer.decided', 'answer.sent']),
      ...kills('created', 'postgres', ['question.recorded']),
      ...kills('asked', 'postgres', ['answer.decided', 'answer.sent']),
    ],
    ending: {
      iterations: 1,
      runs: ['first succeeded'],
      asked: [/once/u],
      answer: 'allowed\n',
      questions: 1,
      microdollars: dollarCent,
    },
  },
  {
    name: 'a question expires while its process lives',
    settings: { SLIPWAY_APPROVAL_SECONDS: '1' },
    tell: (person) => person.create('once', ask),
    kills: kills('created', 'server', [
      'question.recorded',
      'answer.decided',
      'answer.sent',
      'supervisor.ended',
      'work.exited',
      'collect.stored',
      'finish.recorded',
      'deliver.pushed',
    ]),
    ending: {
      iterations: 1,
      runs: ['first succeeded'],
      asked: [/once/u],
      answer: 'denied\n',
      questions: 1,
      microdollars: dollarCent,
    },
  },
  {
    name: 'a question expires whose run is parked',
    settings: { SLIPWAY_APPROVAL_SECONDS: '3', SLIPWAY_APPROVAL_HOLD_SECONDS: '0' },
    async tell(person) {
      await person.create('once', ask);
      await person.seeParked();
      person.arrive('asked');
    },
    kills: kills('asked', 'server', [
      'answer.decided',
      'claim.claimed',
      'question.recorded',
      'answer.sent',
      'finish.recorded',
    ]),
    ending: {
      iterations: 1,
      runs: ['first parked', 'resumed succeeded'],
      asked: [/once/u, /interrupted/u],
      answer: 'denied\n',
      questions: 1,
      microdollars: 2 * dollarCent,
    },
  },
];
