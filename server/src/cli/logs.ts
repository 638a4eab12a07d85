import type { Client } from '@slipway/client';
import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { follow, printEvent, type FollowOptions } from './follow.ts';
import { resolveTaskId } from './task-id.ts';

type LogsFlags = ConnectionFlags & {
  readonly follow?: boolean;
  readonly since?: string;
  readonly json?: boolean;
};

/** A stream that has sent all past events and stays silent for so long has no more of them. */
const quietMs = 1_000;

/** `slipway logs`: the events of a task. */
export function addLogs(program: Command, cli: Cli): void {
  const command = program
    .command('logs')
    .summary('print what happened in a task')
    .description('Prints the events of a task, from its beginning or behind an event.')
    .argument('<id>', "the task's id, or its first 8 characters")
    .option('-f, --follow', 'go on with what happens now, until the task has ended')
    .option('--since <event id>', 'start behind this event (the "id" that --json shows)')
    .option('--json', 'print one JSON object a line');
  withConnection(command).action(async (id: string, flags: LogsFlags) => {
    const client = await cli.connect(flags);
    const taskId = await resolveTaskId(client, id, cli.signal);
    const options = { json: flags.json === true, lastEventId: flags.since };
    if (flags.follow === true) await follow(cli, client, taskId, options);
    else await printPast(cli, client, taskId, options);
    cli.end('ok');
  });
}

/**
 * The events up to now. The stream does not say where the past ends, so this stops at the end of the task,
 * at the first event younger than the connection, or when the stream falls silent.
 */
async function printPast(cli: Cli, client: Client, id: string, options: FollowOptions): Promise<void> {
  const quiet = new AbortController();
  const signal = AbortSignal.any([cli.signal, quiet.signal]);
  let timer: NodeJS.Timeout | undefined;
  let until = Number.POSITIVE_INFINITY;
  try {
    for await (const event of client.tasks.stream(id, { lastEventId: options.lastEventId, signal })) {
      clearTimeout(timer);
      if (event.kind === 'done') return;
      // The server's clock tells full seconds.
      if (event.kind === 'connected') until = Date.parse(event.at ?? '') + 1000 || until;
      if (event.kind === 'event') {
        if (Date.parse(event.event.ts) > until) return;
        await printEvent(cli, id, event, options.json);
      }
      timer = setTimeout(() => quiet.abort(), quietMs);
    }
  } catch (error) {
    if (!quiet.signal.aborted || cli.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}
