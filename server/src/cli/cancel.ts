import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { resolveTaskId } from './task-id.ts';
import { printableLine } from './untrusted-text.ts';

type CancelFlags = ConnectionFlags & { readonly queued: boolean; readonly json?: boolean };

/** `slipway cancel`: ends a task. */
export function addCancel(program: Command, cli: Cli): void {
  const command = program
    .command('cancel')
    .summary('end a task')
    .description('Ends a task: one that runs within seconds, one that waits at once.')
    .argument('<id>', "the task's id, or its first 8 characters")
    .option('--queued', 'take back a task that has not started, too', true)
    .option('--no-queued', 'only a task that runs')
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (id: string, flags: CancelFlags) => {
    const client = await cli.connect(flags);
    const taskId = await resolveTaskId(client, id, cli.signal);
    const answer = await client.tasks.cancel(taskId, { queued: flags.queued, signal: cli.signal });
    if (flags.json === true) await cli.out.json(answer);
    else await cli.out.line(`${printableLine(answer.message)}: ${taskId}`);
    cli.end('ok');
  });
}
