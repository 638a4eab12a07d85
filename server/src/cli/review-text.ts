import type { ReviewIssue, ReviewResult } from '@slipway/client';
import type { Paint, Style } from './output.ts';
import { durationText } from './task-text.ts';
import { printable, printableLine } from './untrusted-text.ts';

const verdictStyles: Readonly<Record<string, Style>> = { approve: 'green', request_changes: 'red' };
const severityStyles: Readonly<Record<string, Style>> = {
  critical: 'red',
  major: 'red',
  minor: 'yellow',
  suggestion: 'cyan',
};

/** The colour of a verdict. */
export function verdictStyle(verdict: string): Style {
  return verdictStyles[verdict] ?? 'yellow';
}

/** `request changes, 4 of 10`; without a score where the agent gave none. */
export function verdictText({
  verdict,
  score,
}: {
  readonly verdict: string;
  readonly score: number;
}): string {
  const words = printableLine(verdict).replaceAll('_', ' ');
  return score > 0 ? `${words}, ${score} of 10` : words;
}

/** `1 finding`, `2 findings`. */
export function countText(count: number, what: string): string {
  return `${count || 'no'} ${what}${count === 1 ? '' : 's'}`;
}

/** A review for people: what it says of the whole, and every finding. Nothing in it reaches the terminal as it is. */
export function reviewLines(review: ReviewResult, paint: Paint): readonly string[] {
  const took = durationText(review.duration_seconds * 1_000);
  const head = paint(verdictStyle(review.verdict), verdictText(review));
  const summary = printable(review.summary).trim();
  return [
    `${head}: ${countText(review.issues.length, 'finding')}${review.auto_fixable ? ', which an agent can mend' : ''}`,
    paint('dim', `by ${printableLine(review.reviewed_by)} in ${took}`),
    ...(summary === '' ? [] : ['', summary]),
    ...review.issues.flatMap((issue) => ['', ...issueLines(issue, paint)]),
  ];
}

function issueLines(issue: ReviewIssue, paint: Paint): readonly string[] {
  const severity = paint(severityStyles[issue.severity] ?? 'yellow', printableLine(issue.severity));
  const file = printableLine(issue.file);
  const place = file !== '' && issue.line > 0 ? `${file}:${issue.line}` : file;
  return [
    place === '' ? severity : `${severity} ${paint('bold', place)}`,
    ...indented(issue.description, '  '),
    ...indented(issue.suggestion, '  → '),
  ];
}

/** The text below its head; its further lines stand under the first. */
function indented(text: string, first: string): readonly string[] {
  const clean = printable(text).trim();
  if (clean === '') return [];
  const rest = ' '.repeat(first.length);
  return clean.split('\n').map((line, index) => `${index === 0 ? first : rest}${line}`);
}
