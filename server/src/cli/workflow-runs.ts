import type { WorkflowRunQuery } from '@slipway/client';
import { Option, type Command } from 'commander';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { followRun, printPastOfRun } from './follow-run.ts';
import { tableLines } from './table.ts';
import { timeText } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';
import { resolveRunId } from './workflow-run-id.ts';
import { runLines, statusText } from './workflow-text.ts';

type RunFlags = ConnectionFlags & { readonly json?: boolean };
type ListFlags = RunFlags & {
  readonly status?: WorkflowRunQuery['status'];
  readonly limit: number;
  readonly offset: number;
};
type LogsFlags = RunFlags & { readonly follow?: boolean; readonly since?: string };

const statuses = [
  'pending',
  'running',
  'completed',
  'failed',
  'canceled',
] as const satisfies readonly NonNullable<WorkflowRunQuery['status']>[];
const runArgument = "the run's id, or its last 8 characters";

/** `slipway workflow runs`: the newest runs, a line each. */
export function addRuns(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('runs')
    .summary('list runs, newest first')
    .description('Lists runs of workflows, newest first.')
    .argument('[name]', 'only runs of this workflow')
    .addOption(new Option('--status <status>', 'only runs that stand so').choices(statuses))
    .option('--limit <number>', 'how many at most: 1 to 200', wholeNumber(1, 200), 20)
    .option('--offset <number>', 'how many of the newest to leave out', wholeNumber(0, 999_999_999), 0)
    .option('--json', 'print one JSON object: {"runs", "total"}');
  withConnection(command).action(async (name: string | undefined, flags: ListFlags) => {
    await listRuns(cli, name, flags);
    cli.end('ok');
  });
}

async function listRuns(cli: Cli, workflow: string | undefined, flags: ListFlags): Promise<void> {
  const { out, signal } = cli;
  const { status, limit, offset } = flags;
  const client = await cli.connect(flags);
  const page = await client.workflows.runs.list({ workflow, status, limit, offset }, { signal });
  if (flags.json === true) return out.json(page);
  if (page.runs.length === 0) return out.note(page.total === 0 ? 'no runs' : 'no more runs');
  const rows = page.runs.map((run) =>
    [run.id, statusText(run.status), timeText(run.created_at), run.workflow_name, run.error ?? ''].map(
      printableLine,
    ),
  );
  const head = ['ID', 'STATUS', 'STARTED', 'WORKFLOW', 'ERROR'];
  for (const line of tableLines(out, head, rows)) await out.line(line);
  const next = offset + page.runs.length;
  if (page.total > next && out.isTerminal)
    out.note(`${page.total - next} more: slipway workflow runs --offset ${next}`);
}

/** `slipway workflow status`: how one run stands. */
export function addRunStatus(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('status')
    .summary('show how a run stands: its steps, their tasks, what they left')
    .description('Shows how a run stands: its steps, their tasks, what they left or why they failed.')
    .argument('<run>', runArgument)
    .option('--json', 'print one JSON object: the run');
  withConnection(command).action(async (given: string, flags: RunFlags) => {
    const { signal } = cli;
    const client = await cli.connect(flags);
    const run = await client.workflows.runs.get(await resolveRunId(client, given, signal), { signal });
    cli.end('ok');
    if (flags.json === true) return cli.out.json(run);
    const facts = [
      ['run', run.id],
      ['workflow', run.workflow_name],
      ...Object.entries(run.params).map(([name, value]) => [name, value]),
    ];
    for (const [name = '', value = ''] of facts)
      await cli.out.line(`${cli.out.paint('dim', printableLine(name).padEnd(14))} ${printableLine(value)}`);
    for (const line of ['', ...runLines(cli, run)]) await cli.out.line(line);
  });
}

/** `slipway workflow logs`: the events of a run. */
export function addRunLogs(workflow: Command, cli: Cli): void {
  const command = workflow
    .command('logs')
    .summary('print what happened in a run')
    .description('Prints the events of a run; those of its tasks are in `slipway logs <task>`.')
    .argument('<run>', runArgument)
    .option('-f, --follow', 'go on with what happens now, until the run is over')
    .option('--since <event id>', 'start behind this event (the "id" that --json shows)')
    .option('--json', 'print one JSON object a line');
  withConnection(command).action(async (given: string, flags: LogsFlags) => {
    const client = await cli.connect(flags);
    const id = await resolveRunId(client, given, cli.signal);
    const tell = flags.follow === true ? followRun : printPastOfRun;
    await tell(cli, client, id, { json: flags.json === true, lastEventId: flags.since });
    cli.end('ok');
  });
}
