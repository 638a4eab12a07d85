import type { Command } from 'commander';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { tableLines } from './table.ts';
import { resolveTaskId } from './task-id.ts';
import { shortId, timeText } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

type WorkspaceFlags = ConnectionFlags & { readonly json?: boolean };
type ListFlags = WorkspaceFlags & { readonly limit: number; readonly offset: number };

/** `slipway workspaces`: the trees of tasks that lie on a disk. */
export function addWorkspaces(program: Command, cli: Cli): void {
  const workspaces = program
    .command('workspaces')
    .summary('list the workspaces that lie on a disk, delete one')
    .description(
      'The files that tasks have worked in. They are removed by themselves; the work is kept all the same. ' +
        'Without a word behind it, they are listed.',
    );
  addListing(workspaces, cli);
  addRemove(workspaces, cli);
}

function addListing(workspaces: Command, cli: Cli): void {
  const command = workspaces
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list workspaces with their sizes, newest first')
    .description(
      'Lists workspaces, newest first: how large they are, and when they are removed unless they are used.',
    )
    .option('--limit <number>', 'how many at most: 1 to 200', wholeNumber(1, 200), 20)
    .option('--offset <number>', 'how many of the newest to leave out', wholeNumber(0, 999_999_999), 0)
    .option('--json', 'print one JSON object: {"workspaces", "total_size_mb", "total_count"}');
  withConnection(command).action(async (flags: ListFlags) => {
    await list(cli, flags);
    cli.end('ok');
  });
}

async function list(cli: Cli, { limit, offset, ...flags }: ListFlags): Promise<void> {
  const { out, signal } = cli;
  const page = await (await cli.connect(flags)).workspaces.list({ limit, offset }, { signal });
  if (flags.json === true) return out.json(page);
  const { total_count: total, total_size_mb: size } = page;
  if (page.workspaces.length === 0) return out.note(total === 0 ? 'no workspaces' : 'no more workspaces');
  const rows = page.workspaces.map((workspace) => [
    out.isTerminal ? shortId(workspace.task_id) : printableLine(workspace.task_id),
    sizeText(workspace.size_mb),
    printableLine(workspace.task_status),
    timeText(workspace.created_at),
    timeText(workspace.expires_at),
  ]);
  for (const line of tableLines(out, ['TASK', 'SIZE', 'STATUS', 'CREATED', 'EXPIRES'], rows))
    await out.line(line);
  if (!out.isTerminal) return;
  const next = offset + page.workspaces.length;
  const more = total > next ? `, ${total - next} more: slipway workspaces --offset ${next}` : '';
  out.note(`${sizeText(size)} in all${more}`);
}

function sizeText(megabytes: number): string {
  return megabytes >= 1000 ? `${(megabytes / 1000).toFixed(1)} GB` : `${megabytes.toFixed(1)} MB`;
}

function addRemove(workspaces: Command, cli: Cli): void {
  const command = workspaces
    .command('rm')
    .summary('delete the workspace of a task')
    .description(
      'Deletes the files of the workspace of a task. Its work is kept: an instruction lays the workspace out anew.',
    )
    .argument('<task>', "the task's id, or its first 8 characters")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (given: string, flags: WorkspaceFlags) => {
    const client = await cli.connect(flags);
    const id = await resolveTaskId(client, given, cli.signal);
    const deleted = await client.workspaces.delete(id, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(deleted);
    else await cli.out.line(`${printableLine(deleted.message)}: ${printableLine(id)}`);
    cli.end('ok');
  });
}
