import type { Paint } from './output.ts';
import { printableLine } from './untrusted-text.ts';

/** `HH:MM:SS` and two spaces: where the text of an event starts, on each of its lines. */
const gutter = 10;

/** What is known by its beginning. */
const shortMaxLength = 200;

/**
 * What is said of an event as lines for people, each starting with the local time or with as many spaces. Empty
 * where nothing is said.
 */
export function eventLines(text: string, ts: string, paint: Paint): string {
  if (text === '') return '';
  const date = new Date(ts);
  const time = Number.isNaN(date.getTime()) ? '' : date.toTimeString().slice(0, 8);
  const [first = '', ...rest] = text.split('\n');
  const indent = ' '.repeat(gutter);
  return [`${paint('dim', time.padEnd(gutter))}${first}`, ...rest.map((line) => `${indent}${line}`)].join(
    '\n',
  );
}

/** An event of a newer server: its name in words, and its data, so that nothing is hidden. */
export function unknownText(event: { readonly event: string; readonly data: unknown }, paint: Paint): string {
  const name = printableLine(event.event.replaceAll('_', ' '));
  const text =
    event.data === null || event.data === undefined ? '' : printableLine(JSON.stringify(event.data));
  return join(name, paint('dim', cut(text === '{}' ? '' : text)));
}

/** A reader of fields of an event's data, which may be of any form: texts and numbers on one line, else empty. */
export function fieldsOf(data: unknown): (name: string) => string {
  const fields = recordOf(data);
  return (name) => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? printableLine(String(value)) : '';
  };
}

export function recordOf(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
}

export function cut(text: string): string {
  return text.length > shortMaxLength ? `${text.slice(0, shortMaxLength)}…` : text;
}

/** The words that there are, with blanks between them. */
export function join(...words: readonly string[]): string {
  return words.filter((word) => word !== '').join(' ');
}
