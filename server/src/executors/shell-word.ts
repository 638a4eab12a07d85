/** The text as one word of a line of shell, whatever it holds beside a NUL. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
