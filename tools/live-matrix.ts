import { pinnedVersion, type LiveAgentName } from '../server/test/live/installed-clis.ts';
import type { Cell } from '../server/test/live/live-results.ts';

export type { Cell };

const columns: readonly { readonly agent: LiveAgentName; readonly title: string }[] = [
  { agent: 'claude-code', title: 'Claude Code' },
  { agent: 'codex', title: 'Codex' },
];

const marks = { begin: '<!-- live matrix -->', end: '<!-- end of the live matrix -->' } as const;

/** The cells that a round of the tests has told, one JSON a line. */
export function cellsIn(text: string): readonly Cell[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Cell);
}

/** Scenario by agent, as a table of Markdown. Of several rounds the worst counts. */
export function matrixOf(cells: readonly Cell[]): string {
  const scenarios = [...new Set(cells.map(({ scenario }) => scenario))];
  const heads = ['scenario', ...columns.map(({ agent, title }) => `${title} ${pinnedVersion(agent)}`)];
  const rows = scenarios.map((scenario) => [
    scenario,
    ...columns.map(({ agent }) =>
      worstOf(cells.filter((cell) => cell.scenario === scenario && cell.agent === agent)),
    ),
  ]);
  return tableOf([heads, ...rows]);
}

function worstOf(cells: readonly Cell[]): string {
  return cells.find(({ cell }) => cell === 'FAILED')?.cell ?? cells[0]?.cell ?? 'not run';
}

/** Aligned as the formatter of this repository aligns tables. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const [heads = [], ...others] = rows;
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(heads), rule, ...others.map(line)].join('\n');
}

/** The page with this matrix between its marks; they are added at its end where it has none. */
export function pageWith(page: string, matrix: string): string {
  const section = `${marks.begin}\n\n${matrix}\n\n${marks.end}`;
  const begin = page.indexOf(marks.begin);
  const end = page.indexOf(marks.end);
  if (begin === -1 || end === -1) return `${page.trimEnd()}\n\n${section}\n`.trimStart();
  return page.slice(0, begin) + section + page.slice(end + marks.end.length);
}
