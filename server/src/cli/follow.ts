import type { Client, TaskEvent } from '@slipway/client';
import type { Cli } from './command.ts';
import { eventText } from './event-text.ts';
import { tellPast, tellStream, type Telling } from './tell-stream.ts';

export type FollowOptions = Pick<Telling<TaskEvent>, 'json' | 'startsAt' | 'endsAt'> & {
  readonly lastEventId?: string | undefined;
};

/** The state that an event is the sign of; others change nothing. */
const statusAfter: Readonly<Record<string, string>> = {
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
function nextStatus(status: string | undefined, event: string): string | undefined {
  const next = statusAfter[event];
  return next === undefined || (status === 'reviewing' && next !== 'completed') ? status : next;
}

/** Prints a task's events as `tellStream` does. When it stops early, the task goes on. */
export function follow(
  cli: Cli,
  client: Client,
  id: string,
  options: FollowOptions,
): Promise<TaskEvent | undefined> {
  const { lastEventId } = options;
  const stream = client.tasks.stream(id, { lastEventId, signal: cli.signal });
  return tellStream(cli, stream, tellingOf(cli, id, options));
}

/** Prints what has happened in a task up to now. */
export function printPast(cli: Cli, client: Client, id: string, options: FollowOptions): Promise<void> {
  const { lastEventId } = options;
  return tellPast(
    cli,
    (signal) => client.tasks.stream(id, { lastEventId, signal }),
    tellingOf(cli, id, options),
  );
}

function tellingOf(cli: Cli, id: string, options: FollowOptions): Telling<TaskEvent> {
  return {
    ...options,
    textOf: (event) => eventText(event, cli.out.paint, id),
    statusAfter: nextStatus,
  };
}
