/** One line of the budget table, measured. */
export type Row = {
  readonly what: string;
  /** For people, with units. */
  readonly measured: string;
  /** The same work done by hand in the same run, for people; absent where there is no such thing. */
  readonly baseline?: string;
  /** How many times the baseline. */
  readonly ratio?: number;
  /** Absent, as `met` is, where there is none: the row is told for what it says. */
  readonly budget?: string;
  readonly met?: boolean;
  /** For machines; the unit ends the name. */
  readonly figures: Readonly<Record<string, number>>;
};

const columns = { what: 50, measured: 40, baseline: 40, ratio: 8, budget: 28 } as const;

/** The first line of the table. */
export const heading = line(['what', 'measured', 'by hand, same run', 'ratio', 'budget', '']);

/** One line of the table, in the columns of `heading`. */
export function formatRow(row: Row): string {
  return line([
    row.what,
    row.measured,
    row.baseline ?? '-',
    row.ratio === undefined ? '-' : formatRatio(row.ratio),
    row.budget ?? '-',
    row.met === undefined ? '' : row.met ? 'met' : 'missed',
  ]);
}

function line(cells: readonly string[]): string {
  const widths = Object.values(columns);
  return cells
    .map((cell, at) => cell.padEnd(widths[at] ?? 0))
    .join(' ')
    .trimEnd();
}

/** Two decimals, three where the ratio is small. */
function formatRatio(ratio: number): string {
  return `${ratio.toFixed(ratio < 0.1 ? 3 : 2)} x`;
}

/** Milliseconds as people read them: `0.42 ms`, `8.1 ms`, `84 ms`, `2.41 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms >= 10) return `${Math.round(ms)} ms`;
  return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

/** `p50 84 ms, p99 120 ms`. */
export function formatSpread(spread: Readonly<Record<string, number>>): string {
  return Object.entries(spread)
    .map(([name, ms]) => `${name} ${formatMs(ms)}`)
    .join(', ');
}

/** `12,345/s`. */
export function formatRate(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en-US')}/s`;
}

/** `54.2 MB`, as the budgets count them: 1,000,000 bytes. */
export function formatMegabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
