import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { follow, printPast } from './follow.ts';
import { resolveTaskId } from './task-id.ts';

type LogsFlags = ConnectionFlags & {
  readonly follow?: boolean;
  readonly since?: string;
  readonly json?: boolean;
};

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
