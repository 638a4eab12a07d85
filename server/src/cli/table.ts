import type { Output } from './output.ts';

/**
 * Rows below a head, their columns lined up by blanks; the last column is cut to a terminal's width, and whole
 * elsewhere. Cells are printable already.
 */
export function tableLines(
  out: Output,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const widths = head
    .slice(0, -1)
    .map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const rest = (out.columns() ?? Infinity) - widths.reduce((sum, width) => sum + width + 2, 0);
  const [first = '', ...lines] = [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column < widths.length ? cell.padEnd(widths[column] ?? 0) : cut(cell, rest)))
      .join('  ')
      .trimEnd(),
  );
  return [out.paint('dim', first), ...lines];
}

/** Text that is too long ends with `…`. */
function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;
}
