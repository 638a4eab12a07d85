import { randomUUID } from 'node:crypto';
import { ApiError, type Client } from '@slipway/client';
import { delay } from '../../src/lib/abort.ts';
import type { AgentLane } from './kill-agents-lane.ts';
import type { Moment } from './kill-agents-matrix.ts';

type Config = NonNullable<Parameters<Client['tasks']['create']>[0]['config']>;

/**
 * Somebody with one task, who repeats what was not answered as a careful client does: processes die at any
 * moment. Every verb returns when it is done, or throws after its patience.
 */
export type Person = {
  /** Stands in the task's prompts. */
  readonly label: string;
  readonly taskId: () => string;
  readonly create: (words: string, config?: Config) => Promise<void>;
  readonly instruct: (words: string) => Promise<void>;
  readonly seeQuestion: () => Promise<void>;
  readonly seeParked: () => Promise<void>;
  /** Until the iteration has ended, with the task at rest. */
  readonly seeEnd: (iteration: number) => Promise<void>;
  /** Allows whatever is asked, until the task is at rest. */
  readonly allowUntilEnd: () => Promise<void>;
  /** Waits for the agent's process and kills the supervisor that owns it. */
  readonly killAgent: () => Promise<void>;
  /** Says where the story is. */
  readonly arrive: (moment: Moment) => void;
};

const patienceMs = 45_000;
const lookMs = 25;

export function createPerson(lane: AgentLane, onArrival: (moment: Moment) => void): Person {
  const label = randomUUID();
  let taskId = '';

  /** Tries until it gives something; what fails on the way is the killed process's. */
  const insist = async <Value>(
    what: string,
    act: () => Promise<Value | undefined | false>,
  ): Promise<Value> => {
    const patience = AbortSignal.timeout(patienceMs);
    let last: unknown = 'nothing';
    for (;;) {
      try {
        const value = await act();
        if (value !== undefined && value !== false) return value;
      } catch (error) {
        last = error;
      }
      if (patience.aborted)
        throw new Error(`waited ${patienceMs} ms for ${what}; last: ${String(last)}\n${lane.output()}`);
      await delay(lookMs, AbortSignal.timeout(patienceMs));
    }
  };
  const client = (): Client => lane.client();
  const isAtRest = async (iteration?: number): Promise<boolean> => {
    const task = await client().tasks.get(taskId);
    return ['completed', 'failed'].includes(task.status) && (iteration ?? task.iteration) === task.iteration;
  };

  return {
    label,
    taskId: () => taskId,
    arrive: onArrival,
    async create(words, config = {}) {
      const task = {
        repo_url: lane.repositoryUrl,
        prompt: `${label} ${words}`,
        publish: 'branch',
        config: { timeout_seconds: 60, ...config, cli: 'claude-code' },
      } as const;
      taskId = await insist(
        'the task',
        async () => (await client().tasks.create(task, { idempotencyKey: label })).id,
      );
    },
    async instruct(words) {
      const idempotencyKey = randomUUID();
      await insist('the instruction', () =>
        client().tasks.instruct(taskId, `${label} ${words}`, { idempotencyKey }),
      );
    },
    async seeQuestion() {
      await insist('a question', async () => {
        const { approvals } = await client().tasks.approvals(taskId, { state: 'waiting' });
        return approvals.length > 0;
      });
    },
    async seeParked() {
      await insist('a parked run', async () => {
        const rows = await lane.query(`select from runs where task_id = $1 and state = 'parked'`, [taskId]);
        return rows.length > 0;
      });
    },
    async seeEnd(iteration) {
      await insist('the end', () => isAtRest(iteration));
    },
    async allowUntilEnd() {
      await insist('the end', async () => {
        const { approvals } = await client().tasks.approvals(taskId, { state: 'waiting' });
        for (const { id } of approvals) {
          await client()
            .tasks.answer(taskId, id, { decision: 'allow' })
            .catch((error: unknown) => {
              if (!(error instanceof ApiError) || error.status !== 409) throw error;
            });
        }
        return isAtRest();
      });
    },
    async killAgent() {
      await insist('the agent', async () => lane.agents(label).length > 0);
      for (const pid of lane.supervisors()) process.kill(pid, 'SIGKILL');
    },
  };
}
