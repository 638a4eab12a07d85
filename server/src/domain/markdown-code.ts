import { quiet } from './quiet-text.ts';

/** What turns the direction of text would show a name as another. */
const unseen = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
/** Colours and the like, of programs that take a log for a terminal. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const terminalSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/gu;

/** A name from anybody as code within a line: on one line, whatever signs it has. */
export function codeSpan(name: string): string {
  const text = quiet(name.toWellFormed().replaceAll(unseen, '\ufffd'));
  const marks = '`'.repeat(longestRun(text) + 1);
  return marks.length === 1 ? `${marks}${text}${marks}` : `${marks} ${text} ${marks}`;
}

/** Text from anybody as a block of code: its marks are longer than any in it, so nothing of it ends the block. */
export function codeBlock(text: string): string {
  const plain = text
    .toWellFormed()
    .replaceAll(terminalSequence, '')
    .replaceAll(/\r\n?/gu, '\n')
    .replaceAll(/[^\P{Cc}\n\t]/gu, '\ufffd');
  const marks = '`'.repeat(Math.max(3, longestRun(plain) + 1));
  return `${marks}\n${quiet(plain)}\n${marks}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/gu) ?? []).map((run) => run.length));
}

/** Where a line may begin a block of code: below lists and quotations too. One with marks behind it is none. */
const opening = /^((?:[ \t>]|[*+-](?=[ \t])|\d{1,9}[.)](?=[ \t])){0,100})(`{3,}(?=[^`]*$)|~{3,})/u;

/**
 * Markdown whose blocks of code are all closed: one that is not would swallow what follows. Below a list or a
 * quotation a block may also end with that, and what looks like its end then begins another: such marks are kept from
 * being marks.
 */
export function withClosedFence(text: string): string {
  const lines = text.split(/\r\n?|\n/u);
  for (let at = 0; at < lines.length; at += 1) {
    const [, prefix = '', fence] = opening.exec(lines[at] ?? '') ?? [];
    if (fence === undefined) continue;
    const { end, isClosed } = blockFrom(lines, at, { prefix: below(prefix), fence });
    if (!isClosed && end === lines.length) return [...lines, below(prefix) + fence].join('\n');
    if (!isClosed) lines.splice(at, end - at, ...lines.slice(at, end).map(withoutFence));
    at = isClosed ? end : end - 1;
  }
  return lines.join('\n');
}

/** The line that closes the block, or the first that does not belong to what the block stands in. */
function blockFrom(
  lines: readonly string[],
  start: number,
  { prefix, fence }: { readonly prefix: string; readonly fence: string },
): { readonly end: number; readonly isClosed: boolean } {
  for (let end = start + 1; end < lines.length; end += 1) {
    const line = lines[end] ?? '';
    if (!line.startsWith(prefix) && line.trimEnd() !== prefix.trimEnd()) return { end, isClosed: false };
    const [, marks = ''] = /^ {0,3}(`{3,}|~{3,})[ \t]*$/u.exec(line.slice(prefix.length)) ?? [];
    if (marks.startsWith(fence)) return { end, isClosed: true };
  }
  return { end: lines.length, isClosed: false };
}

/** What the next line of a list or a quotation begins with. */
function below(prefix: string): string {
  return prefix.replaceAll(/[^>\s]/gu, ' ');
}

function withoutFence(line: string): string {
  return line.replace(opening, (all: string, prefix: string) =>
    [prefix, all.charAt(prefix.length), '\u2060', all.slice(prefix.length + 1)].join(''),
  );
}
