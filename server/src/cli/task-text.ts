import type { ChangesSummary, Task, TaskRow, TaskStatus, Usage } from '@slipway/client';
import type { ExitName } from './exit-codes.ts';
import type { Style } from './output.ts';
import { printableLine } from './untrusted-text.ts';

const styles: Readonly<Record<string, Style>> = {
  pending: 'dim',
  completed: 'green',
  pr_created: 'green',
  failed: 'red',
  awaiting_instruction: 'yellow',
};

/** The colour of a state: green and red are ends, yellow waits for a person, cyan is at work. */
export function statusStyle(status: TaskStatus): Style {
  return styles[status] ?? 'cyan';
}

/** How a task ended, as an exit. This API shows a cancelled task as failed, with a message of its own. */
export function outcomeOf(task: Task): ExitName {
  if (task.status !== 'failed') return 'ok';
  return /^(?:canceled|stopped) by user/u.test(task.error ?? '') ? 'taskCancelled' : 'taskFailed';
}

/** `3 files modified, 1 created (+142 -38)`; `no changes` where there are none. */
export function changesText(changes: ChangesSummary | null | undefined): string {
  if (changes === null || changes === undefined) return 'no changes';
  const counts = [
    [changes.files_modified, 'modified'],
    [changes.files_created, 'created'],
    [changes.files_deleted, 'deleted'],
  ] as const;
  const parts = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return parts.length === 0 ? 'no changes' : printableLine(`${parts.join(', ')} (${changes.diff_stats})`);
}

/** `8 s`, `2 min 5 s`, `3 h 12 min`, `4 d`: the two largest units at most. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  if (seconds < 86_400)
    return pair(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
  return `${Math.floor(seconds / 86_400)} d`;
}

function pair(many: number, large: string, rest: number, small: string): string {
  return rest === 0 ? `${many} ${large}` : `${many} ${large} ${rest} ${small}`;
}

/**
 * How long the work took; undefined while it has not ended, and where instructions followed: the time in
 * between, when nothing was done, is no work.
 */
export function tookMs(task: Task | TaskRow): number | undefined {
  if (task.iteration > 1) return undefined;
  const started = Date.parse(task.started_at ?? '');
  const finished = Date.parse(task.finished_at ?? '');
  return Number.isNaN(finished - started) ? undefined : finished - started;
}

/** A local time that people read, such as `2026-02-26 18:38:10`. */
export function timeText(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return printableLine(time);
  return `${date.toLocaleDateString('sv')} ${date.toTimeString().slice(0, 8)}`;
}

/** The first characters of an id, which every command takes for the whole. */
export function shortId(id: string): string {
  return printableLine(id).slice(0, 8);
}

/**
 * The end of an id of a question or a workflow run, which commands take for the whole. The beginnings of such ids
 * are the time, and alike.
 */
export function endOfId(id: string): string {
  return printableLine(id).slice(-8);
}

/** `passed in 8 s`, `failed after 8 s: exit code 1`; undefined where nothing was tested. */
export function testsText(tests: Task['tests']): string | undefined {
  if (tests === undefined) return undefined;
  const took = durationText(tests.duration_seconds * 1_000);
  return tests.passed ? `passed in ${took}` : `failed after ${took}: ${printableLine(tests.reason)}`;
}

/** `1,500 tokens in, 500 out, $0.42`; undefined where nothing was counted. */
export function usageText(usage: Usage | null | undefined): string | undefined {
  if (usage === null || usage === undefined) return undefined;
  const count = (tokens: number | undefined): string => (tokens ?? 0).toLocaleString('en');
  const parts = [
    ...(usage.input_tokens > 0 || usage.output_tokens > 0
      ? [`${count(usage.input_tokens)} tokens in`, `${count(usage.output_tokens)} out`]
      : []),
    ...((usage.cache_read_tokens ?? 0) > 0 ? [`${count(usage.cache_read_tokens)} from the cache`] : []),
    ...((usage.cost_usd ?? 0) > 0 ? [moneyText(usage.cost_usd ?? 0)] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** Cents, and below one as many digits as tell something. */
function moneyText(dollars: number): string {
  return dollars >= 0.01 ? `$${dollars.toFixed(2)}` : `$${dollars.toPrecision(1)}`;
}

/** A word for a shell: quoted where it holds anything that a shell could act upon. */
export function shellWord(text: string): string {
  const clean = printableLine(text);
  return /^[\w@%+=:,./-]+$/u.test(clean) ? clean : `'${clean.replaceAll("'", `'\\''`)}'`;
}
