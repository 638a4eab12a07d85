import type { Command } from 'commander';
import { CommandError } from './command-error.ts';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { printableLine } from './untrusted-text.ts';
import { resolveRunId } from './workflow-run-id.ts';

type CancelFlags = ConnectionFlags & { readonly all?: string; readonly json?: boolean };

/** `slipway workflow cancel`: ends a run, or all of a workflow. */
export function addCancelRun(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('cancel')
    .summary('end a run and the task that it waits for')
    .description('Ends a run and the task that it waits for, or with --all every run of a workflow.')
    .argument('[run]', "the run's id, or its last 8 characters")
    .option('--all <name>', 'every run of this workflow that is not over')
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (run: string | undefined, flags: CancelFlags) => {
    await cancel(cli, run, flags);
    cli.end('ok');
  });
}

async function cancel(cli: Cli, run: string | undefined, { all, ...flags }: CancelFlags): Promise<void> {
  const { out, signal } = cli;
  if ((run === undefined) === (all === undefined)) {
    throw new CommandError('usage', 'name either a run, or a workflow with --all');
  }
  const client = await cli.connect(flags);
  const { runs } = client.workflows;
  const id = all ?? (await resolveRunId(client, run ?? '', signal));
  const answer = await (all === undefined ? runs.cancel(id, { signal }) : runs.cancelAll(id, { signal }));
  if (flags.json === true) await out.json(answer);
  else await out.line(`${printableLine(answer.message)}: ${printableLine(id)}`);
}
