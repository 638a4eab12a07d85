/* oxlint-disable no-control-regex -- control characters are what is looked for */

/**
 * Terminal control sequences in both their forms (ESC and one byte C1): strings such as OSC, which sets
 * titles, links and the clipboard, up to their terminator (or the end of the line, where it is missing); CSI; and
 * every other escape. The alternatives exclude each other by their first characters: no backtracking.
 */
const sequences =
  /(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c\r\n]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/gu;

/** What is left of controls: all but tab and line feed. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;

/** Marks that turn the direction of text around, so that it reads other than it is. */
const directions = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text of an agent, a repository or a server, made harmless for a terminal: letters, tabs and line feeds
 * only. A carriage return starts a new line: it would let a line overwrite what stands before it.
 */
export function printable(text: string): string {
  return text
    .replaceAll(sequences, '')
    .replaceAll(/\r\n?/gu, '\n')
    .replaceAll(controls, '')
    .replaceAll(directions, '');
}

/** The same on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll(/\s+/gu, ' ').trim();
}

/** JSON on one line, with everything escaped that a terminal could act upon (JSON itself escapes only C0). */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
