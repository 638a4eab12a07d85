import type { Approval, Task } from '@slipway/client';
import type { Command } from 'commander';
import { waitingLines } from './approval-text.ts';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { reviewLines } from './review-text.ts';
import {
  changesText,
  durationText,
  outcomeOf,
  shortId,
  statusStyle,
  testsText,
  timeText,
  tookMs,
  usageText,
} from './task-text.ts';
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
    const { signal } = cli;
    const task = await client.tasks.get(await resolveTaskId(client, id, signal), { signal });
    cli.end('ok');
    if (flags.json === true) return cli.out.json(task);
    for (const line of taskLines(cli, task)) await cli.out.line(line);
    if (task.status !== 'running' || task.config?.approvals !== 'ask') return;
    const { approvals } = await client.tasks.approvals(task.id, { state: 'waiting', signal });
    for (const line of questionsOf(cli, task, approvals)) await cli.out.line(line);
  });
}

/** What waits for a person, below the rest: it is what is to be done next. */
function questionsOf(cli: Cli, task: Task, approvals: readonly Approval[]): readonly string[] {
  if (approvals.length === 0) return [];
  const how = `answer with: slipway approve ${shortId(task.id)}`;
  return ['', cli.out.paint('yellow', 'waits for an answer:'), ...waitingLines(cli, approvals), how];
}

function taskLines({ out }: Cli, task: Task): readonly string[] {
  const took = tookMs(task);
  const status = outcomeOf(task) === 'taskCancelled' ? 'cancelled' : printableLine(task.status);
  const ended = task.finished_at !== undefined && task.finished_at !== null;
  const rows: readonly (readonly [name: string, value: string | undefined])[] = [
    ['task', task.id],
    ['status', out.paint(statusStyle(task.status), status)],
    ['kind', task.task_type === 'code' ? undefined : task.task_type.replaceAll('_', ' ')],
    ['repository', task.repo_url],
    ['agent', task.config?.cli],
    ['model', task.config?.ai_model],
    ['command', task.config?.command],
    ['test command', task.config?.test_command],
    ['tools', namesOf(task.config?.tools)],
    ['mcp servers', namesOf(task.config?.mcp_servers)],
    ['workflow run', task.workflow_run_id],
    ['iteration', task.iteration > 1 ? String(task.iteration) : undefined],
    ['branch', task.branch],
    ['pull request', task.pr_url],
    ['changes', ended && task.status !== 'failed' ? changesText(task.changes_summary) : undefined],
    ['tests', testsText(task.tests)],
    ['created', timeText(task.created_at)],
    ['took', took === undefined ? undefined : durationText(took)],
    ['usage', usageText(task.usage)],
    ['error', task.error],
    ['failed in', task.failure === undefined || task.failure === null ? undefined : task.failure.phase],
  ];
  const shown = rows.filter(([, value]) => value !== undefined && value !== '');
  return [
    ...shown.map(([name, value = '']) => `${out.paint('dim', name.padEnd(14))}${clean(name, value)}`),
    ...section('prompt', task.current_prompt ?? task.prompt),
    ...section('result', task.result ?? ''),
    ...section('output of the tests', task.tests?.passed === false ? task.tests.output : ''),
    ...(task.review_result === undefined
      ? []
      : ['', out.paint('dim', 'review:'), ...reviewLines(task.review_result, out.paint)]),
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

function namesOf(things: readonly { readonly name: string }[] | undefined): string | undefined {
  return things?.map(({ name }) => name).join(', ');
}
