import type { TaskRow, TaskStatus } from '@slipway/client';
import { Option, type Command } from 'commander';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { durationText, shortId, statusStyle } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

type ListFlags = ConnectionFlags & {
  readonly status?: TaskStatus;
  readonly limit: number;
  readonly offset: number;
  readonly json?: boolean;
};

const statuses = [
  'pending',
  'cloning',
  'running',
  'completed',
  'reviewing',
  'awaiting_instruction',
  'creating_pr',
  'pr_created',
  'failed',
] as const satisfies readonly TaskStatus[];

/** `slipway list`: the newest tasks, a line each. */
export function addList(program: Command, cli: Cli): void {
  const command = program
    .command('list')
    .alias('ls')
    .summary('list tasks, newest first')
    .description('Lists tasks, newest first.')
    .addOption(new Option('--status <status>', 'only tasks in this state').choices(statuses))
    .option('--limit <number>', 'how many at most: 1 to 200', wholeNumber(1, 200), 20)
    .option('--offset <number>', 'how many of the newest to leave out', wholeNumber(0, 999_999_999), 0)
    .option('--json', 'print one JSON object: {"tasks", "total"}');
  withConnection(command).action(async (flags: ListFlags) => {
    await list(cli, flags);
    cli.end('ok');
  });
}

async function list(cli: Cli, flags: ListFlags): Promise<void> {
  const { out } = cli;
  const client = await cli.connect(flags);
  const { status, limit, offset } = flags;
  const page = await client.tasks.list({ status, limit, offset }, { signal: cli.signal });
  if (flags.json === true) return out.json(page);
  if (page.tasks.length === 0) {
    const none = page.total === 0 ? 'no tasks' : `no more tasks: there are ${page.total}`;
    return out.note(status === undefined || page.total > 0 ? none : `no tasks that are ${status}`);
  }
  for (const line of table(cli, page.tasks)) await out.line(line);
  const rest = page.total - offset - page.tasks.length;
  if (rest > 0 && out.isTerminal)
    out.note(`${rest} more: slipway list --offset ${offset + page.tasks.length}`);
}

/** On a terminal each line is cut to its width and ids are short; elsewhere nothing is lost. */
function table({ deps, out }: Cli, tasks: readonly TaskRow[]): readonly string[] {
  const columns = out.columns();
  const now = deps.clock.now();
  const rows = tasks.map((task) => ({
    task,
    id: columns === undefined ? printableLine(task.id) : shortId(task.id),
    status: printableLine(task.status),
    age: durationText(now - Date.parse(task.created_at)).replace(/ \d+ (?:s|min)$/u, ''),
  }));
  const idWidth = Math.max(2, ...rows.map(({ id }) => id.length));
  const statusWidth = Math.max(6, ...rows.map(({ status }) => status.length));
  const ageWidth = Math.max(3, ...rows.map(({ age }) => age.length));
  const used = idWidth + statusWidth + ageWidth + 6;
  const head = ['ID'.padEnd(idWidth), 'STATUS'.padEnd(statusWidth), 'AGE'.padEnd(ageWidth), 'TASK'].join(
    '  ',
  );
  const lines = rows.map(({ task, id, status, age }) =>
    [
      id.padEnd(idWidth),
      out.paint(statusStyle(task.status), status.padEnd(statusWidth)),
      age.padEnd(ageWidth),
      cut(describe(task), columns === undefined ? undefined : columns - used),
    ].join('  '),
  );
  return [out.paint('dim', head), ...lines];
}

/** The repository's last part says enough, the prompt's beginning says the rest. */
function describe(task: TaskRow): string {
  const name =
    task.repo_url
      .replace(/\/+$/u, '')
      .split('/')
      .at(-1)
      ?.replace(/\.git$/u, '') ?? '';
  return printableLine(`${name}: ${task.prompt}`);
}

function cut(text: string, width: number | undefined): string {
  if (width === undefined || text.length <= width) return text;
  return `${text.slice(0, Math.max(1, width - 1))}…`;
}
