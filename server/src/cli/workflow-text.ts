import type { WorkflowEvent, WorkflowRun, WorkflowRunRow, WorkflowRunStep } from '@slipway/client';
import type { Cli } from './command.ts';
import { cut, eventLines, fieldsOf, unknownText } from './event-lines.ts';
import type { ExitName } from './exit-codes.ts';
import type { Paint, Style } from './output.ts';
import { tableLines } from './table.ts';
import { durationText, shortId } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

const styles: Readonly<Record<string, Style>> = {
  pending: 'dim',
  skipped: 'dim',
  completed: 'green',
  failed: 'red',
  canceled: 'yellow',
};

/** The colour of a run's or a step's state: cyan is at work. */
function runStyle(status: string): Style {
  return styles[status] ?? 'cyan';
}

/** How a run ended, as an exit. */
export function runOutcome({ status }: Pick<WorkflowRun, 'status'>): ExitName {
  if (status === 'canceled') return 'taskCancelled';
  return status === 'failed' ? 'taskFailed' : 'ok';
}

/** An event of a run as lines for people, as `eventText` has those of a task. */
export function workflowEventText(event: WorkflowEvent, paint: Paint): string {
  return eventLines(sentence(event, paint), event.ts, paint);
}

function sentence(event: WorkflowEvent, paint: Paint): string {
  const say = fieldsOf(event.data);
  switch (event.event) {
    case 'workflow_started':
      return `started ${say('workflow')}`;
    case 'step_started':
      return `${say('step')} begins (${say('type')})`;
    case 'step_task_created':
      return `${say('step')} is task ${say('task_id')}`;
    case 'step_completed':
      return paint('green', `${say('step')} is done`);
    case 'step_failed':
      return paint('red', `${say('step')} failed: ${say('error')}`);
    case 'step_canceled':
      return paint('yellow', `${say('step')} was cancelled`);
    case 'workflow_completed':
      return paint('green', 'completed');
    case 'workflow_failed':
      return paint('red', `failed: ${say('error')}`);
    case 'workflow_canceled':
      return paint('yellow', 'cancelled');
    default:
      return unknownText(event, paint);
  }
}

/** How a run stands, and a table of its steps with their tasks and what they left. */
export function runLines({ deps, out }: Cli, run: WorkflowRun): readonly string[] {
  const status = out.paint(runStyle(run.status), statusText(run.status));
  const took = tookText(run, deps.clock.now());
  const rows = run.steps.map((step) => [
    printableLine(step.step_name),
    printableLine(statusText(step.status)),
    step.task_id === undefined ? '' : shortId(step.task_id),
    resultText(step),
  ]);
  return [
    `${status}${took === '' ? '' : ` ${isOver(run) ? 'in' : 'for'} ${took}`}${because(run)}`,
    ...tableLines(out, ['STEP', 'STATUS', 'TASK', 'RESULT'], rows),
  ];
}

/** The word of the API, in ours. */
export function statusText(status: string): string {
  return status === 'canceled' ? 'cancelled' : printableLine(status);
}

function isOver({ finished_at: finished }: Pick<WorkflowRunRow, 'finished_at'>): boolean {
  return finished !== undefined;
}

function because({ error }: WorkflowRun): string {
  return error === undefined || error === '' ? '' : `: ${printableLine(error)}`;
}

/** From its first step to its end, or until now. */
function tookText(run: WorkflowRunRow, now: number): string {
  const started = Date.parse(run.started_at ?? '');
  const took = (isOver(run) ? Date.parse(run.finished_at ?? '') : now) - started;
  return Number.isNaN(took) ? '' : durationText(took);
}

/** Where a pull request is, that; else all that is known, as far as a line goes. */
function resultText({ error, result = {} }: WorkflowRunStep): string {
  if (error !== undefined && error !== '') return printableLine(error);
  const url = result['pr_url'];
  if (typeof url === 'string') return printableLine(url);
  const parts = Object.entries(result).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : (JSON.stringify(value) ?? '')}`,
  );
  return cut(printableLine(parts.join(' ')));
}
