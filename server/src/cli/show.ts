import type { Task } from '@slipway/client';
import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { changesText, durationText, outcomeOf, statusStyle, timeText, tookMs } from './task-text.ts';
import { resolveTaskId } from './task-id.ts';
import { printable, printableLine } from './untrusted-text.ts';

type ShowFlags = ConnectionFlags & { readonly json?: boolean };

/** `slipway show`: everything about one task. */
export function addShow(program: Command, cli: Cli): void {
  const command = program
    .command('show')
    .summary('show everything about a task')
    .description('Shows a task: its state, its branch, what it changed, its result or why it failed.')
    .argument('<id>', "the task's id, or its first 8 characters")
    .option('--json', 'print one JSON object: the task');
  withConnection(command).action(async (id: string, flags: ShowFlags) => {
    const client = await cli.connect(flags);
    const task = await client.tasks.get(await resolveTaskId(client, id, cli.signal), { signal: cli.signal });
    if (flags.json === true) await cli.out.json(task);
    else for (const line of taskLines(cli, task)) await cli.out.line(line);
    cli.end('ok');
  });
}

function taskLines({ out }: Cli, task: Task): readonly string[] {
  const took = tookMs(task);
  const status = outcomeOf(task) === 'taskCancelled' ? 'cancelled' : printableLine(task.status);
  const ended = task.finished_at !== undefined && task.finished_at !== null;
  const rows: readonly (readonly [name: string, value: string | undefined])[] = [
    ['task', task.id],
    ['status', out.paint(statusStyle(task.status), status)],
    ['repository', task.repo_url],
    ['agent', task.config?.cli],
    ['command', task.config?.command],
    ['branch', task.branch],
    ['pull request', task.pr_url],
    ['changes', ended && task.status !== 'failed' ? changesText(task.changes_summary) : undefined],
    ['created', timeText(task.created_at)],
    ['took', took === undefined ? undefined : durationText(took)],
    ['error', task.error],
    ['failed in', task.failure === undefined || task.failure === null ? undefined : task.failure.phase],
  ];
  const shown = rows.filter(([, value]) => value !== undefined && value !== '');
  return [
    ...shown.map(([name, value = '']) => `${out.paint('dim', name.padEnd(14))}${clean(name, value)}`),
    ...section('prompt', task.current_prompt ?? task.prompt),
    ...section('result', task.result ?? ''),
  ];

  /** The status is ours and painted; all else comes from outside. */
  function clean(name: string, value: string): string {
    return name === 'status' ? value : printableLine(value);
  }

  function section(name: string, text: string): readonly string[] {
    const body = printable(text).trim();
    return body === '' ? [] : ['', out.paint('dim', `${name}:`), body];
  }
}
