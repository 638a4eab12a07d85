import type { Approval } from '@slipway/client';
import type { Cli } from './command.ts';
import { endOfId, durationText, shortId } from './task-text.ts';
import { printable, printableLine } from './untrusted-text.ts';

/** What of a question's arguments is shown before its answer, in characters; `--json` has all. */
const argumentCharacters = 4_000;

/** Questions as a table: whose they are, how they are named, how long they wait at most. */
export function waitingLines({ deps, out }: Cli, approvals: readonly Approval[]): readonly string[] {
  const now = deps.clock.now();
  const rows = approvals.map((approval) => [
    out.columns() === undefined ? printableLine(approval.task_id) : shortId(approval.task_id),
    endOfId(approval.id),
    durationText(Date.parse(approval.expires_at) - now),
    printableLine(`${approval.tool}: ${approval.summary}`),
  ]);
  const table = [['TASK', 'QUESTION', 'LEFT', 'WANTS'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const [head = '', ...lines] = table.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  );
  return [out.paint('dim', head), ...lines];
}

/** One question, whole, for who is to answer it. */
export function questionLines({ deps, out }: Cli, approval: Approval): readonly string[] {
  const left = durationText(Date.parse(approval.expires_at) - deps.clock.now());
  const text = printable(JSON.stringify(approval.arguments, undefined, 2));
  const rest = text.length - argumentCharacters;
  return [
    `${out.paint('yellow', printableLine(`${approval.tool}: ${approval.summary}`))} (${left} left)`,
    rest > 0 ? `${text.slice(0, argumentCharacters)}\n… and ${rest} characters more: see --json` : text,
  ];
}
