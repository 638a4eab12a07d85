import type { Approval, Task } from '@slipway/client';
import { git } from '../../src/demo/example-repository.ts';
import { join } from 'node:path';
import { makeStandInClaude } from '../support/stand-in-claude.ts';
import { until } from '../support/processes.ts';
import type { SlipwaySettings } from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { openHouse, smallLimits, type House } from './scenario-house.ts';

export type AgentHouse = House & { readonly claude: string };

/** A house whose Claude Code is the stand-in. */
export async function openAgentHouse(settings: SlipwaySettings = {}): Promise<AgentHouse> {
  const leaving: (() => unknown)[] = [];
  const folder = await temporaryFolder({ after: (leave: () => unknown) => void leaving.push(leave) });
  const claude = await makeStandInClaude(folder);
  const house = await openHouse({
    settings: {
      ...smallLimits,
      SLIPWAY_SILENCE_SECONDS: '20',
      SLIPWAY_CLAUDE_CODE_PATH: claude,
      // Nobody listens there: the stand-in asks no model.
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      ...settings,
    },
  });
  return {
    ...house,
    claude,
    [Symbol.asyncDispose]: async () => {
      await house[Symbol.asyncDispose]();
      for (const leave of leaving) await leave();
    },
  };
}

type Config = NonNullable<Parameters<House['client']['tasks']['create']>[0]['config']>;

/** A task for Claude Code that pushes its branch. */
export async function createAgentTask(house: House, prompt: string, config: Config = {}): Promise<string> {
  const { id } = await house.client.tasks.create({
    repo_url: `${house.forge.url}/sum.git`,
    prompt,
    publish: 'branch',
    config: { timeout_seconds: 120, ...config, cli: 'claude-code' },
  });
  return id;
}

/** The task at rest. */
export async function ended(house: House, id: string): Promise<Task> {
  return house.client.tasks.wait(id, { signal: AbortSignal.timeout(60_000) });
}

/** The first question of a task that waits. */
export async function asked(house: House, id: string): Promise<Approval> {
  return until('a question', async () => {
    const { approvals } = await house.client.tasks.approvals(id, { state: 'waiting' });
    return approvals[0];
  });
}

/** A file of the task's branch as the forge has it. */
export async function onBranch(house: House, task: Task, file: string): Promise<string> {
  return git(join(house.repositories, 'sum.git'), 'show', `${task.branch ?? ''}:${file}`);
}

/** The task's state as it is stored. */
export async function storedState(house: House, id: string): Promise<string> {
  const [row] = await house.query<{ state: string }>('select state from tasks where id = $1', [id]);
  return row?.state ?? '';
}

/** The states and causes of its runs, oldest first. */
export async function storedRuns(house: House, id: string): Promise<readonly string[]> {
  const rows = await house.query<{ run: string }>(
    `select cause || ' ' || state as run from runs where task_id = $1 order by number`,
    [id],
  );
  return rows.map(({ run }) => run);
}

/** The names of a task's events in the native window. */
export async function eventNames(house: House, id: string): Promise<readonly string[]> {
  const rows = await house.query<{ type: string }>(
    `select type from events where stream_id = $1 and type <> 'agent_output' order by id`,
    [id],
  );
  return rows.map(({ type }) => type);
}
