import type { Client, StreamEvent, TaskEvent, TaskStatus } from '@slipway/client';
import type { Cli } from './command.ts';
import { eventText } from './event-text.ts';
import { durationText } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

export type FollowOptions = {
  readonly json: boolean;
  readonly lastEventId?: string | undefined;
  /** Prints nothing before the first event that this is true for, and is called until then. */
  readonly startsAt?: (event: TaskEvent) => boolean;
  /** Stops behind the first event that is printed and that this is true for. */
  readonly endsAt?: (event: TaskEvent) => boolean;
};

/** The state that an event is the sign of; others change nothing. */
const statusAfter: Readonly<Record<string, TaskStatus>> = {
  clone_started: 'cloning',
  cli_started: 'running',
  review_requested: 'reviewing',
  review_completed: 'completed',
  review_failed: 'completed',
  review_timeout: 'completed',
  review_canceled: 'completed',
  instruction_added: 'awaiting_instruction',
};

/** What is cloned and started for a review is no sign that the task runs. */
function nextStatus(status: TaskStatus | undefined, event: string): TaskStatus | undefined {
  const next = statusAfter[event];
  return next === undefined || (status === 'reviewing' && next !== 'completed') ? status : next;
}

/**
 * Prints a task's events as they come until it has ended, or `endsAt` says so, and gives the event that it ended
 * at: lines for people, above a status line on a terminal, or one JSON object a line. Rejects with the reason of
 * the command's signal, or with the client's errors; the task goes on then.
 */
export async function follow(
  cli: Cli,
  client: Client,
  id: string,
  options: FollowOptions,
): Promise<TaskEvent | undefined> {
  const { out } = cli;
  const progress = createProgress(cli, options.json);
  let started = options.startsAt === undefined;
  try {
    for await (const event of client.tasks.stream(id, {
      lastEventId: options.lastEventId,
      signal: cli.signal,
    })) {
      progress.take(event);
      if (event.kind === 'event') {
        started ||= options.startsAt?.(event.event) ?? true;
        if (started) await printEvent(cli, id, event, options.json);
        if (started && options.endsAt?.(event.event) === true) return event.event;
      }
      if (event.kind !== 'done') continue;
      if (options.json) await out.json({ type: 'done', status: event.status });
      return undefined;
    }
    throw new Error('the stream of a task ended without its end');
  } finally {
    progress.stop();
  }
}

/** One event on stdout: its text, or the wire's object with the id to resume from. */
export async function printEvent(
  cli: Cli,
  taskId: string,
  { id, event }: { readonly id: string | undefined; readonly event: TaskEvent },
  json: boolean,
): Promise<void> {
  if (json) {
    await cli.out.json({ ...(id === undefined ? {} : { id }), ...event });
    return;
  }
  const text = eventText(event, cli.out.paint, taskId);
  if (text !== '') await cli.out.line(text);
}

/**
 * What is going on, kept in sight: on a terminal the status line (state and time, once a second), elsewhere
 * only the loss of the connection, on stderr.
 */
function createProgress(cli: Cli, json: boolean): { take: (event: StreamEvent) => void; stop: () => void } {
  const { out } = cli;
  const isLive = out.isTerminal && !json;
  const startedAt = cli.deps.clock.now();
  let status: TaskStatus | undefined;
  let lost = false;

  function draw(): void {
    const time = durationText(cli.deps.clock.now() - startedAt);
    const state = lost ? 'connection lost, trying again' : (status ?? 'connecting').replaceAll('_', ' ');
    // Plain text: the line is cut to the terminal's width, which must not cut a colour in two.
    out.status(`… ${state} · ${time}`);
  }

  function take(event: StreamEvent): void {
    if (event.kind === 'interrupted' && !lost && !isLive) {
      out.note(`slipway: ${printableLine(event.reason)}; trying again`);
    }
    lost = event.kind === 'interrupted';
    if (event.kind === 'connected') status = event.status;
    if (event.kind === 'event') status = nextStatus(status, event.event.event);
    if (isLive) draw();
  }

  const timer = isLive ? setInterval(draw, 1000) : undefined;
  return {
    take,
    stop() {
      clearInterval(timer);
      out.status(undefined);
    },
  };
}
