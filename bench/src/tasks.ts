import type { Client, StreamEvent } from '@slipway/client';

export type ScriptTask = {
  readonly url: string;
  readonly command: string;
  readonly publish?: 'branch' | 'manual';
};

/** Submits a task for the script agent; resolves with its id. */
export async function submit(client: Client, task: ScriptTask, signal: AbortSignal): Promise<string> {
  const created = await client.tasks.create(
    {
      repo_url: task.url,
      prompt: 'Change a line',
      publish: task.publish ?? 'manual',
      config: { cli: 'script', command: task.command },
    },
    { signal },
  );
  return created.id;
}

/** Submits a task and follows it to its end; resolves with what it printed. Throws when it did not end well. */
export async function runTask(client: Client, task: ScriptTask, signal: AbortSignal): Promise<string> {
  const id = await submit(client, task, signal);
  let printed = '';
  for await (const happened of client.tasks.stream(id, { signal })) {
    const line = outputOf(happened);
    if (line !== undefined) printed += `${line}\n`;
    if (happened.kind !== 'done') continue;
    if (happened.status !== 'failed') return printed;
    const { error } = await client.tasks.get(id, { signal });
    throw new Error(`a task failed: ${error ?? 'it did not say why'}`);
  }
  throw new Error('the stream of a task ended before the task');
}

/** When a run of an agent came how far, in milliseconds of the epoch. */
export type AgentTimes = {
  /** The task was submitted; by hand: the clone began. */
  readonly begunAt: number;
  /** The agent's run began; by hand: its program was about to start. */
  readonly startedAt: number;
  /** Its result was recorded; by hand: read. */
  readonly resultAt: number;
  /** The work was pushed, and who waits for it knew. */
  readonly endedAt: number;
};

export type AgentWork = { readonly url: string; readonly agent: string; readonly prompt: string };

/** Submits a task that publishes its branch, and follows it to its end. Throws when nothing was pushed. */
export async function runAgentTask(
  client: Client,
  { url, agent, prompt }: AgentWork,
  signal: AbortSignal,
): Promise<AgentTimes> {
  const begunAt = Date.now();
  const input = { repo_url: url, prompt, publish: 'branch', config: { cli: agent } } as const;
  const { id } = await client.tasks.create(input, { signal });
  let [startedAt, resultAt, pushed] = [Number.NaN, Number.NaN, false];
  for await (const happened of client.tasks.stream(id, { signal })) {
    if (happened.kind === 'event') {
      const { event, data, ts } = happened.event;
      if (event === 'cli_started') startedAt = Date.parse(ts);
      if (event === 'output' && data.type === 'result') resultAt = Date.parse(ts);
      if (event === 'branch_pushed') pushed = true;
    }
    if (happened.kind !== 'done') continue;
    if (pushed && !Number.isNaN(resultAt)) return { begunAt, startedAt, resultAt, endedAt: Date.now() };
    const { error } = await client.tasks.get(id, { signal });
    throw new Error(`${agent} brought no work: ${error ?? 'nothing was pushed'}`);
  }
  throw new Error('the stream of a task ended before the task');
}

/** The line that the task's script printed, where that is what happened. */
function outputOf(happened: StreamEvent): string | undefined {
  if (happened.kind !== 'event' || happened.event.event !== 'output') return undefined;
  return happened.event.data.type === 'text' ? happened.event.data.content : undefined;
}

/** Where a task's stream was left: its events up to `lastEventId` have been seen. */
export type Followed = { readonly id: string; readonly lastEventId?: string | undefined };

/**
 * Reads the stream of a task, behind what was followed of it, until `look` says true. Throws when the task
 * ended first.
 */
export async function followUntil(
  client: Client,
  { id, lastEventId }: Followed,
  look: (line: string) => boolean,
  signal: AbortSignal,
): Promise<Followed> {
  let last = lastEventId;
  for await (const happened of client.tasks.stream(id, { signal, lastEventId })) {
    if (happened.kind === 'event') last = happened.id ?? last;
    const line = outputOf(happened);
    if (line !== undefined && look(line)) return { id, lastEventId: last };
  }
  throw new Error('a task ended before it did what was waited for');
}
